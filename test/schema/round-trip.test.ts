import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { plainDatabase } from '../../src/postgres/connection.ts';
import { EMBEDDED_VERSIONS, NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { readSchema } from '../../src/schema/facts.ts';
import { differencesOf } from '../../src/schema/fingerprint.ts';
import { loadDump } from '../../src/schema/load.ts';
import { statementsBetween } from '../../src/schema/statements.ts';
import { structureOf } from '../../src/schema/structure.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { FAST_SETTINGS } from '../support/server.ts';

const EVERYTHING = join(repository, 'test/fixtures/schema/everything.sql');
const texts = new Map<number, string>();

/** Writes the schema down, makes it of that again, and looks whether PostgreSQL tells the same of both. */
async function roundTrip(
  server: string,
  file = EVERYTHING,
): Promise<{ text: string; rest: string[]; statements: string[] }> {
  const databases = await Promise.all([1, 2, 3].map(() => createDatabase(server)));
  const [empty, first, second] = databases as [TestDatabase, TestDatabase, TestDatabase];
  try {
    await loadDump(plainDatabase(first.url), { file, sql: readFileSync(file, 'utf8') });
    const schema = await readSchema({ connection: first.url });
    const text = await structureOf(schema, await readSchema({ connection: empty.url }), []);
    await loadDump(plainDatabase(second.url), { file: 'structure.sql', sql: text });
    const again = await readSchema({ connection: second.url });
    const statements = (await statementsBetween(again, schema)).map(({ sql }) => sql);
    return { text, rest: differencesOf(again.fingerprint, schema.fingerprint), statements };
  } finally {
    for (const database of databases) await database.drop();
  }
}

describe.each([...EMBEDDED_VERSIONS])('on PostgreSQL %i', (version) => {
  const options = {
    version,
    project: repository,
    name: `test-schema-${version}-${process.pid}`,
    settings: FAST_SETTINGS,
  };
  const isRunning = version === NEWEST_EMBEDDED && !process.env.TEST_DATABASE_URL;
  let server: string;
  beforeAll(async () => {
    server = isRunning ? serverUrl() : await startEmbedded(options);
  });
  afterAll(async () => {
    if (!isRunning) await removeEmbedded(options);
  });

  test('a schema with one of everything is written down, and made of that again', async () => {
    const { text, rest, statements } = await roundTrip(server);
    texts.set(version, text);
    expect(rest).toEqual([]);
    expect(statements).toEqual([]);
  });
});

test('its text is the same on all versions', () => {
  expect(texts.size).toBe(EMBEDDED_VERSIONS.length);
  expect(new Set(texts.values()).size).toBe(1);
});

test('so is what only the newest version knows: computed columns that are not stored, NOT NULLs that are not valid, keys over time', async () => {
  const { text, rest, statements } = await roundTrip(
    serverUrl(),
    join(repository, 'test/fixtures/schema/since-18.sql'),
  );
  expect([rest, statements]).toEqual([[], []]);
  expect(text).toMatch(/AS \(\(?b \+ 1\)?\) VIRTUAL/);
  expect(text).toContain('CONSTRAINT later NOT NULL a NOT VALID');
});
