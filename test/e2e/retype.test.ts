import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EMBEDDED_VERSIONS, NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { expectSameCatalogue } from './oracle.ts';
import { OWN_TYPES, RETYPED, type RetypedColumn } from './retyped-columns.ts';

/** In each run every second type on the newest, every twelfth on the oldest; with `VERSIONS=all` all of them on each version. */
const ALL = process.env.VERSIONS === 'all';
const OLDER = EMBEDDED_VERSIONS.filter(
  (version) => version !== NEWEST_EMBEDDED && (ALL || version === EMBEDDED_VERSIONS[0]),
);

const tableOf = (column: RetypedColumn): string => `t${RETYPED.indexOf(column)}`;

function tableSql(column: RetypedColumn): string {
  const { from, values, with: more = '', default: standing, isNotNull = false, index = 'c' } = column;
  const table = tableOf(column);
  const rows = [...values, ...(isNotNull ? [] : ['NULL'])].map((value, at) => `(${at}, ${value})`);
  return [
    `CREATE TABLE ${table} (id integer PRIMARY KEY, c ${from}${standing === undefined ? '' : ` DEFAULT ${standing}`}${isNotNull ? ' NOT NULL' : ''} ${more});`,
    ...(index === null
      ? []
      : [
          `CREATE INDEX ON ${table} (${index}); CREATE UNIQUE INDEX ${table}_id_c ON ${table} (id, c) WHERE c IS NOT NULL;`,
        ]),
    `COMMENT ON COLUMN ${table}.c IS 'of ${table}'; ALTER TABLE ${table} ALTER COLUMN c SET STATISTICS 77;`,
    `INSERT INTO ${table} VALUES ${rows.join(', ')};`,
  ].join('\n');
}

/** What `ALTER TABLE ... ALTER COLUMN TYPE ... USING` makes of the same table. */
async function alterType(database: TestDatabase, column: RetypedColumn): Promise<void> {
  const { from, to, using, default: standing } = column;
  const alter = `ALTER TABLE ${tableOf(column)} ALTER COLUMN c`;
  const type = `${alter} TYPE ${to} USING ${using ?? `c::${to}`}`;
  if (using === undefined) {
    await database.sql(type.replace(/ USING .*$/, '')).catch(() => database.sql(type));
    return;
  }
  // A default is assigned where that is possible, else converted like a value.
  await database.sql(type).catch(async () => {
    const value = using.replaceAll(/\bc\b/g, () => `(${standing}::${from})`);
    await database.sql(`${alter} DROP DEFAULT; ${type}; ${alter} SET DEFAULT ${value}`);
  });
}

interface Retyped {
  readonly database: TestDatabase;
  readonly project: TestProject;
}

async function retypedFixture(server: string, columns: readonly RetypedColumn[]): Promise<Retyped> {
  const database = await createDatabase(server);
  await database.sql([OWN_TYPES, ...columns.map(tableSql)].join('\n'));
  const project = new TestProject(database.url);
  await project.json('init');
  for (const column of columns) {
    const { to, using, back } = column;
    const flags = ['--table', tableOf(column), '--column', 'c', '--to-type', to, '--releases', `${R1},${R2},${R3}`];
    const given = [...(using === undefined ? [] : ['--using', using]), ...(back === undefined ? [] : ['--back', back])];
    await project.json('new', 'retype-column', ...flags, ...given, '--yes');
  }
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
  return { database, project };
}

const valuesOf = async (database: TestDatabase, columns: readonly RetypedColumn[]): Promise<unknown[]> =>
  Promise.all(columns.map((column) => database.sql(`SELECT id, c::text AS c FROM ${tableOf(column)} ORDER BY id`)));

const deploy = (project: TestProject, release: string): Promise<unknown> =>
  project.json('migrate', '--release', release, '--maintenance');

async function expectAltered(
  { database, project }: Retyped,
  server: string,
  columns: readonly RetypedColumn[],
  isAgain = false,
): Promise<void> {
  const plain = await createDatabase(server);
  try {
    await plain.sql([OWN_TYPES, ...columns.map(tableSql)].join('\n'));
    for (const column of columns) await alterType(plain, column);
    for (const release of [R1, R2, R3]) await deploy(project, release);
    await expectSameCatalogue(database, plain);
    // What has come back from a type that holds less is not what it was.
    if (!isAgain) expect(await valuesOf(database, columns)).toEqual(await valuesOf(plain, columns));
  } finally {
    await plain.drop();
  }
}

/** Few at a time: a runner looks after all changes that are under way at each step. */
const CHUNK = 8;
const chunksOf = (columns: readonly RetypedColumn[]): RetypedColumn[][] =>
  Array.from({ length: Math.ceil(columns.length / CHUNK) }, (_, at) => columns.slice(at * CHUNK, (at + 1) * CHUNK));
const inWords = (columns: readonly RetypedColumn[]): string =>
  columns.map(({ from, to }) => `${from} to ${to}`).join(', ');

async function withRetyped(
  server: string,
  columns: readonly RetypedColumn[],
  body: (retyped: Retyped) => Promise<void>,
): Promise<void> {
  const retyped = await retypedFixture(server, columns);
  try {
    await body(retyped);
  } finally {
    retyped.project.remove();
    await retyped.database.drop();
  }
}

describe.each(OLDER)('on PostgreSQL %i', (version) => {
  const options = { version, project: repository, name: `retype-${process.pid}-${version}`, settings: FAST_SETTINGS };
  let server: string;
  beforeAll(async () => {
    server = await startEmbedded(options);
  });
  afterAll(() => removeEmbedded(options));

  const columns = ALL ? RETYPED : RETYPED.filter((_, at) => at % 12 === 0);
  test.each(chunksOf(columns).map((chunk) => [inWords(chunk), chunk] as const))(
    '%s: as ALTER COLUMN TYPE would leave them',
    (_, chunk) => withRetyped(server, chunk, (retyped) => expectAltered(retyped, server, chunk)),
  );
});

const ON_NEWEST = ALL ? RETYPED : RETYPED.filter((_, at) => at % 2 === 0);

test.each(chunksOf(ON_NEWEST).map((chunk, at) => [inWords(chunk), chunk, ALL || at === 0] as const))(
  '%s: so on the newest, where steps can be undone, and done again',
  (_, chunk, isUndone) => {
    const server = serverUrl();
    return withRetyped(server, chunk, async (retyped) => {
      await expectAltered(retyped, server, chunk);
      if (!isUndone) return;
      const untouched = await createDatabase(server);
      await untouched.sql([OWN_TYPES, ...chunk.map(tableSql)].join('\n'));
      await retyped.project.json('rollback', '--steps', '1000');
      await expectSameCatalogue(retyped.database, untouched);
      await untouched.drop();
      await expectAltered(retyped, server, chunk, true);
    });
  },
  180_000,
);
