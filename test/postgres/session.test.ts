import { afterEach, expect, test } from '@jest/globals';
import { connect } from '../../src/postgres/connection.ts';
import { prepareSession } from '../../src/postgres/session.ts';
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
  const db = await connect({ url, applicationName: 'test' });
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
