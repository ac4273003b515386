import { expect, test } from '@jest/globals';
import pg from 'pg';
import { R1, R2, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

const CLIENTS = 8;
const STATEMENTS = 500;
const KEYS = 6;

/**
 * Upserts of few keys by many clients, with deletes in between so that the keys are inserted anew; the errors.
 * @param columnOf the column that a client knows; @param partOf another one of its key, and the value that it has there.
 */
async function contend(
  { database }: RenameFixture,
  columnOf: (client: number) => string,
  partOf: (client: number) => readonly [column: string, value: string] | null = () => null,
): Promise<string[]> {
  const errors: string[] = [];
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, number) => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      const column = columnOf(number);
      const [part, value] = partOf(number) ?? ['', ''];
      const [columns, values] = part === '' ? [column, '$1'] : [`${column}, ${part}`, `$1, ${value}`];
      for (let statement = 0; statement < STATEMENTS; statement++) {
        const key = `k${Math.floor(Math.random() * KEYS)}`;
        const sql =
          Math.random() < 0.4
            ? `DELETE FROM users WHERE ${column} = $1`
            : `INSERT INTO users (${columns}, hits) VALUES (${values}, 1) ON CONFLICT (${columns}) DO UPDATE SET hits = users.hits + 1`;
        await client.query(sql, [key]).catch((error) => errors.push(error.message));
      }
      await client.end();
    }),
  );
  return errors;
}

test('contended upserts on a unique column never fail, in either phase, on either column', async () => {
  const fixture = await renameFixture({
    schema: 'CREATE TABLE users (id bigserial PRIMARY KEY, old text NOT NULL UNIQUE, hits int NOT NULL)',
  });
  try {
    await fixture.deploy(R1);
    expect(await contend(fixture, () => 'old')).toEqual([]);
    await fixture.deploy(R2);
    expect(await contend(fixture, (client) => (client % 2 === 0 ? 'old' : 'new'))).toEqual([]);
    const [{ mismatches }] = await fixture.database.sql(
      'SELECT count(*)::int AS mismatches FROM users WHERE old IS DISTINCT FROM new',
    );
    expect(mismatches).toBe(0);
    // Without the guard the same load does fail: this test would notice.
    await fixture.database.sql(
      `DO $$ BEGIN EXECUTE replace(pg_get_functiondef('sync_users_old_phase_2'::regproc), 'IF guarded < 32', 'IF false'); END $$`,
    );
    const unguarded: string[] = [];
    for (let round = 0; round < 5 && unguarded.length === 0; round++) {
      unguarded.push(...(await contend(fixture, (client) => (client % 2 === 0 ? 'old' : 'new'))));
    }
    expect(unguarded[0]).toContain('duplicate key value violates unique constraint');
  } finally {
    await fixture.remove();
  }
}, 120_000);

test('nor where a trigger of the application changes the key', async () => {
  const fixture = await renameFixture({
    schema: `CREATE TABLE users (id bigserial PRIMARY KEY, old text NOT NULL UNIQUE, hits int NOT NULL);
      CREATE FUNCTION fold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.old := upper(NEW.old); RETURN NEW; END $$;
      CREATE TRIGGER fold BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION fold()`,
  });
  try {
    await fixture.deploy(R1);
    expect(await contend(fixture, () => 'old')).toEqual([]);
    await fixture.deploy(R2);
    expect(await contend(fixture, (client) => (client % 2 === 0 ? 'old' : 'new'))).toEqual([]);
  } finally {
    await fixture.remove();
  }
}, 120_000);

test('nor upserts on a key of several columns that are renamed together, with a part that has no hash function', async () => {
  const fixture = await renameFixture({
    schema:
      'CREATE TABLE users (id bigserial PRIMARY KEY, old text, flags bit(4) NOT NULL, hits int NOT NULL, UNIQUE (old, flags))',
    also: [{ from: 'flags', to: 'bits' }],
  });
  const isOld = (client: number): boolean => client % 2 === 0;
  try {
    await fixture.deploy(R1);
    expect(
      await contend(
        fixture,
        () => 'old',
        () => ['flags', "B'1010'"],
      ),
    ).toEqual([]);
    await fixture.deploy(R2);
    expect(
      await contend(
        fixture,
        (client) => (isOld(client) ? 'old' : 'new'),
        (client) => [isOld(client) ? 'flags' : 'bits', "B'1010'"],
      ),
    ).toEqual([]);
    expect(await fixture.database.sql('SELECT FROM users WHERE (old, flags) IS DISTINCT FROM (new, bits)')).toEqual([]);
  } finally {
    await fixture.remove();
  }
}, 120_000);
