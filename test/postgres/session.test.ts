import { afterEach, expect, test } from '@jest/globals';
import { connect, plainDatabase } from '../../src/postgres/connection.ts';
import { prepareSession, underOwnNames, underQualifiedNames } from '../../src/postgres/session.ts';
import { inRolledBackTransaction } from '../../src/postgres/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
afterEach(() => database.drop());

test('what looks leaves a session as it was, for a pooler hands it on; what runs, which refuses poolers, sets it', async () => {
  database = await createDatabase();
  const { name, url } = await database.role();
  await database.sql(
    `ALTER ROLE ${name} SET TimeZone = 'Asia/Kolkata'; ALTER ROLE ${name} SET default_transaction_read_only = on`,
  );
  const db = await connect({ ...plainDatabase(url), applicationName: 'test' });
  const settings = async () =>
    (
      await db.query(
        `SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction_%' ORDER BY name`,
      )
    ).rows;
  const zone = async () => (await db.query('SHOW TimeZone')).rows[0].TimeZone;
  const before = await settings();
  const inside = await inRolledBackTransaction(db, async () => {
    await db.query('CREATE TEMPORARY TABLE t ()');
    return zone();
  });
  expect([inside, await zone(), await settings()]).toEqual(['UTC', 'Asia/Kolkata', before]);
  await prepareSession(db, 500, 'own');
  expect([await zone(), (await db.query('SHOW lock_timeout')).rows[0].lock_timeout]).toEqual(['UTC', '500ms']);
  await db.end();
});

test('what is ours has its own search path, and the session its own again, however they are within each other and end', async () => {
  database = await createDatabase();
  const db = await connect({ ...plainDatabase(database.url), applicationName: 'test' });
  const path = async () => (await db.query('SHOW search_path')).rows[0].search_path;
  await db.query(`SET search_path = pg_catalog, public`);
  await prepareSession(db, 500, 'own');
  const fails = (): Promise<never> => db.query('SELECT 1 / 0') as Promise<never>;
  const inside = await underQualifiedNames(db, async () => [
    await path(),
    await underOwnNames(db, path),
    await underOwnNames(db, () => underQualifiedNames(db, path)),
    await underOwnNames(db, fails).catch(path),
    await underQualifiedNames(db, fails).catch(path),
  ]);
  expect(inside).toEqual(['pg_catalog', 'pg_catalog, public', 'pg_catalog', 'pg_catalog', 'pg_catalog']);
  expect([await path(), await underOwnNames(db, path)]).toEqual(['pg_catalog, public', 'pg_catalog, public']);
  await db.query('BEGIN');
  await underQualifiedNames(db, fails).catch(() => undefined);
  await db.query('ROLLBACK');
  expect([await path(), await underQualifiedNames(db, path)]).toEqual(['pg_catalog, public', 'pg_catalog']);
  await db.query('BEGIN; SAVEPOINT one');
  await underQualifiedNames(db, fails).catch(() => undefined);
  await db.query('ROLLBACK TO SAVEPOINT one');
  expect([await path(), await underQualifiedNames(db, path)]).toEqual(['pg_catalog, public', 'pg_catalog']);
  await db.query('COMMIT');
  expect(await path()).toBe('pg_catalog, public');
  await db.end();
});
