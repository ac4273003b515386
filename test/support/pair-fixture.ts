import { deployedFixture } from './deployed-fixture.ts';
import { addMigration } from './history.ts';
import { R1, type RenameFixture } from './rename-fixture.ts';

/** What a command left: its exit code and its answer. */
export interface Ran {
  readonly code: number;
  readonly json: { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } };
}

/** A rename of users.email to addr whose releases are cut, migrated to its first phase. */
export async function pairAtPhase1(
  server: string | undefined,
  schema: string,
  table = 'users',
): Promise<RenameFixture> {
  const options = { ...(server === undefined ? {} : { server }), schema, table, from: 'email', to: 'addr' };
  return deployedFixture(options, R1);
}

/** Runs a migration of a release between the phases. */
export async function migrateBetween(
  { project }: RenameFixture,
  release: string,
  source: string,
  extension = 'sql',
): Promise<Ran> {
  project.write('package.json', JSON.stringify({ version: release }));
  await addMigration(project, release, 'between', source, { extension });
  await project.json('release', 'cut', release);
  const { code, json } = await project.phase('migrate', '--release', release, '--json');
  return { code, json };
}
