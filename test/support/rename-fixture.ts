import { createDatabase, type TestDatabase } from './database.ts';
import { TestProject } from './project.ts';

export interface RenameFixture {
  readonly database: TestDatabase;
  readonly project: TestProject;
  /** Migrates to a release and finishes it. */
  deploy(release: string): Promise<void>;
  remove(): Promise<void>;
}

export interface FixtureOptions {
  /** SQL that makes the table before anything else. */
  readonly schema: string;
  readonly table?: string;
  readonly from?: string;
  readonly to?: string;
  /** Columns that are renamed with it. */
  readonly also?: readonly { readonly from: string; readonly to: string }[];
  readonly server?: string;
  /** Releases that are cut; without it all three. */
  readonly cut?: readonly string[];
}

export const R1 = '1.1.0';
export const R2 = '1.2.0';
export const R3 = '1.3.0';

/** Says of each copy of a function that nothing in it means the column: it stays as it is. */
async function takeAsReviewed(project: TestProject): Promise<void> {
  const copies = Object.entries(project.files()).filter(([, content]) =>
    content.startsWith('-- For phase 2 of the rename'),
  );
  for (const [path, content] of copies) project.write(path, content.slice(content.indexOf('\n') + 1));
  if (copies.length > 0) await project.json('hash', '--no-replay');
}

/** A database with a table, and an application with a rename scaffolded and its three releases cut. */
export async function renameFixture({
  schema,
  table = 'users',
  from = 'old',
  to = 'new',
  also = [],
  server,
  cut = [R1, R2, R3],
}: FixtureOptions): Promise<RenameFixture> {
  const database = await createDatabase(server);
  await database.sql(schema);
  const project = new TestProject(database.url);
  await project.json('init');
  await project.json(
    'new',
    'rename-column',
    '--table',
    table,
    ...(also.length === 0
      ? ['--from', from, '--to', to]
      : [{ from, to }, ...also].flatMap((pair) => ['--map', `${pair.from}=${pair.to}`])),
    '--releases',
    `${R1},${R2},${R3}`,
    '--yes',
  );
  await takeAsReviewed(project);
  for (const release of cut) await project.json('release', 'cut', release);
  return fixtureOf(database, project);
}

/** What tests work with, of a database and its application. */
export function fixtureOf(database: TestDatabase, project: TestProject): RenameFixture {
  return {
    database,
    project,
    async deploy(release) {
      await project.json('migrate', '--release', release, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
    },
    async remove() {
      project.remove();
      await database.drop();
    },
  };
}
