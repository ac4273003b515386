import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { makeKnex } from '../support/knex.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
let pool: pg.Pool;
let knex: Knex;
beforeEach(async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text, note text); INSERT INTO users VALUES (1, 'a', 'n')`,
  });
  pool = new pg.Pool({ connectionString: fixture.database.url, max: 1, idleTimeoutMillis: 0 });
  knex = makeKnex({ client: 'pg', connection: fixture.database.url, pool: { min: 1, max: 1 } });
});
afterEach(async () => {
  await pool.end();
  await knex.destroy();
  await fixture.remove();
});

const READ = { name: 'read', text: 'SELECT * FROM users' };
const WRITE = { name: 'write', text: 'UPDATE users SET note = note || $1 WHERE id = 1 RETURNING *', values: ['!'] };
const options = (release: string) => ({ root: fixture.project.root, release, onDeprecation: () => undefined });

test('without triphase/app a prepared SELECT * fails on its connection each time', async () => {
  // A pool closes a connection whose statement has failed.
  const { client } = fixture.database;
  await client.query(READ);
  await fixture.deploy(R1);
  for (let times = 0; times < 3; times++) {
    await expect(client.query(READ)).rejects.toMatchObject({ code: '0A000' });
  }
});

test.each(['1.0.0', R1, R2])(
  'a release %s goes on over the column that comes and the one that goes',
  async (release) => {
    await withRenames(pool, options(release));
    await withRenames(knex, options(release));
    const callback = () => new Promise((done) => pool.query(WRITE, (error: Error | null) => done(error)));
    const statements = async (): Promise<void> => {
      expect((await pool.query(READ)).rows).toHaveLength(1);
      expect((await pool.query(WRITE)).rowCount).toBe(1);
      expect(await callback()).toBeFalsy();
      expect(await knex('users').select('*').options({ name: 'by knex' })).toHaveLength(1);
    };
    await statements();
    await fixture.deploy(R1);
    await statements();
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    await statements();
    await statements();
    // Each write once: what was refused had done nothing.
    expect(await fixture.database.sql('SELECT note FROM users')).toEqual([{ note: `n${'!'.repeat(8)}` }]);
  },
);

test('in a transaction the error stays, since it has ended that, and the next one goes on', async () => {
  await withRenames(pool, options(R1));
  await pool.query(READ);
  await fixture.deploy(R1);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await expect(client.query(READ)).rejects.toMatchObject({ code: '0A000' });
    await client.query('ROLLBACK');
  } finally {
    client.release();
  }
  expect((await pool.query(READ)).rows).toHaveLength(1);
});

test('in a transaction repeating it helps, and it is not moved behind what waits', async () => {
  const { client } = fixture.database;
  await withRenames(client, options(R1));
  await client.query(WRITE);
  await fixture.deploy(R1);
  const [written] = await Promise.allSettled([client.query(WRITE), client.query('BEGIN')]);
  expect(written).toMatchObject({ status: 'rejected', reason: { code: '0A000' } });
  expect((await client.query(WRITE)).rowCount).toBe(1);
  await client.query('ROLLBACK');
  expect((await client.query('SELECT note FROM users')).rows).toEqual([{ note: 'n!' }]);
  class Built {
    readonly name = 'built';
    get text(): string {
      return 'UPDATE users SET note = note || $1 RETURNING *';
    }
    readonly values = ['?'];
  }
  expect((await client.query(new Built() as unknown as pg.QueryConfig)).rowCount).toBe(1);
});

test('another error of that code is not repeated', async () => {
  await withRenames(pool, options(R1));
  let tries = 0;
  pool.on('connect', (client) => client.on('notice', () => tries++));
  await pool.query(
    `CREATE FUNCTION refuse() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'tried'; RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END $$`,
  );
  await expect(pool.query({ name: 'refused', text: 'SELECT refuse()' })).rejects.toMatchObject({ code: '0A000' });
  expect(tries).toBeLessThan(2);
});

test('a statement that is prepared anew takes no name of another one', async () => {
  await withRenames(pool, options(R1));
  const long = 'statement '.padEnd(63, '-');
  const names = ['read', 'read.1', long, `${long.slice(0, -2)}.1`];
  const read = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const [at, name] of names.entries()) {
      found.push((await pool.query({ name, text: `SELECT *, ${at} AS at FROM users` })).rows[0].at);
    }
    return found;
  };
  expect(await read()).toEqual([0, 1, 2, 3]);
  await fixture.deploy(R1);
  expect(await read()).toEqual([0, 1, 2, 3]);
  expect(await read()).toEqual([0, 1, 2, 3]);
});
