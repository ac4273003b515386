import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { quoteIdent } from '../../src/domain/identifier.ts';
import { EMBEDDED_VERSIONS, NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { serverUrl, type TestDatabase } from '../support/database.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { expectPlainRename, expectSameCatalogue, plainRename } from './oracle.ts';
import { TABLES, type TableCase } from './tables.ts';

/**
 * In each run every tenth table on the oldest, and half of them on the newest, there every sixth table with all steps undone and done again; with `VERSIONS=all` all of them
 * on each version.
 */
const ALL = process.env.VERSIONS === 'all';
const OLDEST = EMBEDDED_VERSIONS[0];
const OLDER = EMBEDDED_VERSIONS.filter((version) => version !== NEWEST_EMBEDDED && (ALL || version === OLDEST));

function tablesOn(version: number): readonly TableCase[] {
  const tables = TABLES.filter(({ since = 0 }) => since <= version);
  if (ALL) return tables;
  const isTaken = (at: number): boolean => at % (version === NEWEST_EMBEDDED ? 2 : 10) === 0;
  return tables.filter((table) => isTaken(TABLES.indexOf(table)));
}

const isUndone = (table: TableCase): boolean => ALL || TABLES.indexOf(table) % 6 === 0;

describe.each(OLDER)('on PostgreSQL %i', (version) => {
  const options = { version, project: repository, name: `test-${process.pid}-${version}`, settings: FAST_SETTINGS };
  let server: string;
  beforeAll(async () => {
    server = await startEmbedded(options);
  });
  afterAll(() => removeEmbedded(options));

  test.each(tablesOn(version))('$title ends as ALTER TABLE RENAME COLUMN would leave it', async (given) => {
    const fixture = await renameFixture({ ...given, server });
    const plain = await plainRename(server, given.schema, given.table, quoteIdent(given.from), quoteIdent(given.to));
    try {
      await expectRenamed(fixture, given, plain);
    } finally {
      await plain.drop();
      await fixture.remove();
    }
  });
});

test.each(tablesOn(NEWEST_EMBEDDED))(
  '$title ends so on the newest PostgreSQL, where every step can be undone, and done again',
  async (given) => {
    const fixture = await renameFixture(given);
    const plain = await plainRename(
      serverUrl(),
      given.schema,
      given.table,
      quoteIdent(given.from),
      quoteIdent(given.to),
    );
    const untouched = await plainRename(
      serverUrl(),
      given.schema,
      given.table,
      quoteIdent(given.from),
      quoteIdent(given.from === 'x' ? 'y' : 'x'),
    );
    await untouched.sql(`ALTER TABLE ${given.table} RENAME COLUMN x TO ${quoteIdent(given.from)}`);
    try {
      await expectRenamed(fixture, given, plain);
      if (!isUndone(given)) return;
      await fixture.project.json('rollback');
      await fixture.deploy(R3);
      const { reverted } = await fixture.project.json('rollback', '--steps', '5');
      expect(reverted).toHaveLength(5);
      await expectSameCatalogue(fixture.database, untouched);
      // Again, and over all three releases at once.
      await fixture.deploy(R3);
      await expectPlainRename(fixture.database, plain);
    } finally {
      await Promise.all([plain.drop(), untouched.drop()]);
      await fixture.remove();
    }
  },
);

/** Deploys the three phases, each complete, to the end that a plain rename has. */
async function expectRenamed(fixture: RenameFixture, given: TableCase, plain: TestDatabase): Promise<void> {
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
  expect(await values(fixture.database, given, given.to)).toEqual(await values(plain, given, given.to));
}

/** What the renamed column holds, sorted; a default that differs each time says nothing. */
async function values(database: TestDatabase, { table, schema }: TableCase, column: string): Promise<object[]> {
  if (schema.includes('gen_random_uuid')) return [];
  return database.sql(`SELECT ${quoteIdent(column)}::text AS value FROM ${table} ORDER BY 1`);
}
