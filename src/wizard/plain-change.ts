import { join } from 'node:path';
import type { Release } from '../domain/release.ts';
import { timestamp } from '../planner/rename/plan.ts';
import { retypeName } from '../planner/retype/plan.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import { writeFiles } from '../project/files.ts';
import { migrationFolder } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { render } from '../scaffold/templates.ts';
import { afterExisting, type WrittenFile } from './files.ts';

interface PlainChange {
  readonly table: { readonly name: string };
  readonly statement: string;
  readonly back: string;
  readonly answers: {
    readonly column: string;
    readonly type: string;
    readonly releases: readonly Release[];
    readonly name?: string | undefined;
  };
  readonly now: Date;
}

/** Writes a change that takes no phases as one migration of the first of its releases. @returns what was written. */
export async function writePlainChange(
  history: History,
  { table, statement, back, answers: { column, type, releases, name }, now }: PlainChange,
): Promise<WrittenFile[]> {
  const release = releases[0] as Release;
  const id = `${timestamp(afterExisting(history, now), 0)}_${name ?? retypeName(table.name, column, type)}`;
  const path = join(migrationFolder('schema'), `${id}.sql`);
  const content = render('migration/from-diff.sql', { up: [statement], down: [back], isAlone: false });
  const manifest = await changeManifest(history.root, {
    release,
    add: [{ id, kind: 'schema', sha256: checksum(content) }],
  });
  await writeFiles(history.root, [{ path, content, mode: 'create' }, manifest]);
  return [
    { path, release, phase: 1, kind: 'schema' },
    { path: manifest.path, release, phase: 1, kind: 'manifest' },
  ];
}
