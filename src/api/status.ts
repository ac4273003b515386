import type { Status } from '../domain/status.ts';
import { withConnection } from '../postgres/connection.ts';
import { currentRelease } from '../project/target-release.ts';
import { readStatus } from '../runner/status.ts';
import { coded } from './coded.ts';
import { read } from './options.ts';
import { open, type ProjectOptions } from './project.ts';

/** As of `phase status`. */
export interface StatusOptions extends ProjectOptions {
  /** What counts as due; else the configuration's release, else the version in package.json. */
  readonly release?: string | undefined;
  /** Count mismatches now. */
  readonly count?: boolean | undefined;
}

/** How a database stands to the files. Writes nothing but a new count of mismatches, where it is asked for one. */
export async function status(options: StatusOptions = {}): Promise<Status> {
  const { release, count, ...rest } = read('status', options);
  return coded(async () => {
    const { project, database } = await open(rest);
    return withConnection({ ...database, applicationName: 'phase status' }, (db) =>
      readStatus(db, project, currentRelease(project, release), count),
    );
  });
}
