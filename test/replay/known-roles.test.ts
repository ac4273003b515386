import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withoutKnownRoles } from '../../src/replay/known-roles.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let there: string;
beforeAll(async () => {
  database = await createDatabase();
  there = (await database.role()).name;
});
afterAll(() => database.drop());

test.each([
  [
    'one that is there',
    (role: string) => `SELECT 'ü'; CREATE ROLE ${role} LOGIN; SELECT 2`,
    () => `SELECT 'ü';  SELECT 2`,
  ],
  ['a user', (role: string) => `CREATE USER ${role} PASSWORD 'x;y';SELECT 1`, () => 'SELECT 1'],
  ['the last statement', (role: string) => `SELECT 1; CREATE GROUP ${role}`, () => 'SELECT 1; '],
  [
    'one that is renamed to one that is there',
    (role: string) => `ALTER ROLE other RENAME TO ${role};SELECT 1`,
    () => 'SELECT 1',
  ],
  [
    'one that is altered',
    (role: string) => `ALTER ROLE ${role} NOLOGIN`,
    (role: string) => `ALTER ROLE ${role} NOLOGIN`,
  ],
  ['one that is not there', () => 'CREATE ROLE triphase_not_there', () => 'CREATE ROLE triphase_not_there'],
  ['a role that is dropped', (role: string) => `DROP ROLE IF EXISTS ${role}; SELECT 1`, () => ' SELECT 1'],
  [
    'a block that looks itself',
    (role: string) => `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    (role: string) => `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
  ],
  [
    'what only an older server reads',
    (role: string) => `CREATE TABLE system_user (id int); CREATE ROLE ${role};SELECT 1`,
    () => 'CREATE TABLE system_user (id int); SELECT 1',
  ],
  ['a user mapping', () => 'CREATE USER MAPPING FOR x SERVER y', () => 'CREATE USER MAPPING FOR x SERVER y'],
])('%s', async (_what, script, left) => {
  expect(await withoutKnownRoles(database.client, script(there), false)).toBe(left(there));
});

test('two replays make one role, one after the other', async () => {
  const name = `triphase_${Math.random().toString(36).slice(2)}`;
  const script = `CREATE ROLE ${name}`;
  const other = await createDatabase();
  try {
    await database.sql('BEGIN');
    await other.sql('BEGIN');
    await database.sql(await withoutKnownRoles(database.client, script, true));
    const second = withoutKnownRoles(other.client, script, true);
    await database.sql('COMMIT');
    expect(await second).toBe('');
    await other.sql('COMMIT');
  } finally {
    await database.sql(`DROP ROLE IF EXISTS ${name}`);
    await other.drop();
  }
});
