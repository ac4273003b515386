import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { quoteIdent } from '../../src/domain/identifier.ts';
import { EMBEDDED_VERSIONS, NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { serverUrl } from '../support/database.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { expectPlainRename, expectSameCatalogue, plainRename } from './oracle.ts';
import { TABLES, type TableCase } from './tables.ts';

/** In each run 15 and the newest, and every third table on the oldest; with `VERSIONS=all` each table on each version. */
const ALL = process.env.VERSIONS === 'all';
const OLDEST = EMBEDDED_VERSIONS[0];
const VERSIONS = EMBEDDED_VERSIONS.filter((version) => ALL || [OLDEST, 15, NEWEST_EMBEDDED].includes(version));

function tablesOn(version: number): readonly TableCase[] {
  const tables = TABLES.filter(({ since = 0 }) => since <= version);
  return ALL || version !== OLDEST ? tables : tables.filter((_table, at) => at % 3 === 0);
}

describe.each(VERSIONS)('on PostgreSQL %i', (version) => {
  const options = { version, project: repository, name: `test-${process.pid}-${version}`, settings: FAST_SETTINGS };
  let server: string;
  beforeAll(async () => {
    server = version === NEWEST_EMBEDDED && !process.env.TEST_DATABASE_URL ? serverUrl() : await startEmbedded(options);
  });
  afterAll(async () => {
    if (server !== serverUrl()) await removeEmbedded(options);
  });

  test.each(tablesOn(version))('$title ends as ALTER TABLE RENAME COLUMN would leave it', async (given) => {
    const fixture = await renameFixture({ ...given, server });
    const plain = await plainRename(server, given.schema, given.table, quoteIdent(given.from), quoteIdent(given.to));
    try {
      for (const [index, release] of [R1, R2, R3].entries()) {
        await fixture.deploy(release);
        const { renames, pending, held } = await fixture.project.json('status', '--count');
        expect({ renames, pending, held }).toMatchObject({
          renames: [{ phase: index + 1, mismatches: 0 }],
          pending: [],
          held: [],
        });
      }
      await expectPlainRename(fixture.database, plain);
      expect(await values(fixture, given, given.to)).toEqual(
        await values({ database: plain } as RenameFixture, given, given.to),
      );
    } finally {
      await plain.drop();
      await fixture.remove();
    }
  });
});

test.each(TABLES)('$title: every step can be undone, and done again', async (given) => {
  const fixture = await renameFixture(given);
  const plain = await plainRename(serverUrl(), given.schema, given.table, quoteIdent(given.from), quoteIdent(given.to));
  const untouched = await plainRename(
    serverUrl(),
    given.schema,
    given.table,
    quoteIdent(given.from),
    quoteIdent(given.from === 'x' ? 'y' : 'x'),
  );
  await untouched.sql(`ALTER TABLE ${given.table} RENAME COLUMN x TO ${quoteIdent(given.from)}`);
  try {
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    const { reverted } = await fixture.project.json('rollback', '--steps', '5');
    expect(reverted).toHaveLength(5);
    await expectSameCatalogue(fixture.database, untouched);
    for (const release of [R1, R2, R3]) {
      await fixture.deploy(release);
      await fixture.project.json('rollback');
      await fixture.deploy(release);
    }
    await expectPlainRename(fixture.database, plain);
  } finally {
    await Promise.all([plain.drop(), untouched.drop()]);
    await fixture.remove();
  }
});

/** What the renamed column holds, sorted; a default that differs each time says nothing. */
async function values({ database }: RenameFixture, { table, schema }: TableCase, column: string): Promise<object[]> {
  if (schema.includes('gen_random_uuid')) return [];
  return database.sql(`SELECT ${quoteIdent(column)}::text AS value FROM ${table} ORDER BY 1`);
}
