import { parseRelease } from '../domain/release.ts';
import { readHistory } from '../project/history.ts';
import type { Surroundings } from '../sources/open.ts';
import type { CommandContext } from './context.ts';

/** What sources of schemas are opened with. @param release as `--release` gives it. */
export async function surroundingsOf(context: CommandContext, release?: string): Promise<Surroundings> {
  const project = await context.openProject();
  return {
    project,
    history: await readHistory(project.root),
    database: await context.database(project),
    shadow: context.shadowUrl(project),
    release: release === undefined ? undefined : parseRelease(release),
  };
}
