import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DataChangeRequest } from '../../src/data/audit/request.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openWork } from '../support/work.ts';

let database: TestDatabase;
let root: string;

beforeEach(async () => {
  database = await createDatabase();
  root = mkdtempSync(join(tmpdir(), 'triphase-audits-'));
});

afterEach(async () => {
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

const TABLES = `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'phase') AND c.relnamespace::regnamespace::text !~ '^pg_' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`;

/** All rows of all tables. */
async function everything(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { name } of await database.sql<{ name: string }>(TABLES)) {
    found[name] = (await database.sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t ORDER BY 1`)).map(
      ({ row }) => row,
    );
  }
  return found;
}

async function changeAndRestore(request: DataChangeRequest, table: string) {
  const notices: string[] = [];
  const { context, close } = await openWork(database, { root, onNotice: (notice) => notices.push(notice) });
  try {
    const before = await everything();
    await context.dataChange('change', request);
    const between = await everything();
    await context.restoreFrom('change', { table });
    return { before, between, after: await everything(), notices };
  } finally {
    await close();
  }
}

const FAMILY = `CREATE TABLE parents (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text);
  INSERT INTO parents SELECT n, 'c' || n, 'p' || n FROM generate_series(1, 6) AS n;`;
const DELETE = (where: string): DataChangeRequest => ({
  key: 'id',
  pre: `SELECT * FROM parents WHERE ${where}`,
  change: `DELETE FROM parents WHERE ${where} RETURNING id`,
});

test.each<[string, string]>([
  [
    'CASCADE, over three tables',
    `CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL REFERENCES parents ON DELETE CASCADE, data jsonb);
     INSERT INTO children SELECT n, 1 + n % 6, jsonb_build_object('n', n) FROM generate_series(1, 30) AS n;
     CREATE TABLE toys (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, child int REFERENCES children ON DELETE CASCADE, twice int GENERATED ALWAYS AS (child * 2) STORED);
     INSERT INTO toys (child) SELECT 1 + n % 30 FROM generate_series(1, 90) AS n`,
  ],
  [
    'SET NULL and SET DEFAULT',
    `CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL, other int DEFAULT 6 REFERENCES parents ON DELETE SET DEFAULT, note text);
     INSERT INTO children SELECT n, 1 + n % 6, 1 + (n + 1) % 6, 'n' || n FROM generate_series(1, 30) AS n`,
  ],
  [
    'a table that references itself',
    `ALTER TABLE parents ADD COLUMN above int REFERENCES parents ON DELETE CASCADE; UPDATE parents SET above = id / 2 WHERE id > 1`,
  ],
  [
    'two ways to one row',
    `CREATE TABLE children (id int PRIMARY KEY, one int REFERENCES parents ON DELETE CASCADE, other int REFERENCES parents ON DELETE CASCADE);
     INSERT INTO children SELECT n, 1 + n % 6, 1 + (n * 5) % 6 FROM generate_series(1, 30) AS n`,
  ],
  [
    'a partitioned table, and a key of two columns that is not the primary key',
    `ALTER TABLE parents ADD UNIQUE (id, code);
     CREATE TABLE children (id int, parent int, code text, day int, PRIMARY KEY (id, day), FOREIGN KEY (parent, code) REFERENCES parents (id, code) ON DELETE CASCADE) PARTITION BY LIST (day);
     CREATE TABLE children_0 PARTITION OF children FOR VALUES IN (0); CREATE TABLE children_1 PARTITION OF children FOR VALUES IN (1);
     INSERT INTO children SELECT n, 1 + n % 6, 'c' || (1 + n % 6), n % 2 FROM generate_series(1, 30) AS n`,
  ],
  [
    'tables that reference each other beside the rows, in whatever order their keys were made',
    `CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, child int);
     CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
     ALTER TABLE notes ADD FOREIGN KEY (child) REFERENCES children ON DELETE CASCADE;
     INSERT INTO children SELECT n, 1 + n % 6 FROM generate_series(1, 12) AS n; INSERT INTO notes SELECT n, 1 + n % 6, 1 + (n + 3) % 12 FROM generate_series(1, 24) AS n`,
  ],
  [
    'rows that one key sets and another one deletes',
    `CREATE TABLE children (id int PRIMARY KEY, one int REFERENCES parents ON DELETE SET NULL, other int REFERENCES parents ON DELETE CASCADE);
     INSERT INTO children SELECT n, 1 + n % 6, 1 + (n * 5) % 6 FROM generate_series(1, 36) AS n`,
  ],
  [
    'names that need quotes',
    `CREATE SCHEMA "Odd one"; CREATE TABLE "Odd one"."My ""kids""" ("Id" int PRIMARY KEY, "Of ""whom""" int REFERENCES parents ON DELETE CASCADE);
     INSERT INTO "Odd one"."My ""kids""" SELECT n, 1 + n % 6 FROM generate_series(1, 12) AS n`,
  ],
  [
    'a chain of three hundred rows in one table',
    `ALTER TABLE parents ADD COLUMN above int REFERENCES parents ON DELETE CASCADE; INSERT INTO parents SELECT n, 'c' || n, 'p' || n, CASE n WHEN 7 THEN 1 ELSE n - 1 END FROM generate_series(7, 306) AS n`,
  ],
])('a DELETE comes back with what foreign keys took along: %s', async (_, schema) => {
  await database.sql(FAMILY + schema);
  const { before, between, after, notices } = await changeAndRestore(DELETE('id <= 3'), 'parents');
  expect(between).not.toEqual(before);
  expect(after).toEqual(before);
  expect(notices).toEqual([]);
});

test('an UPDATE of a key that others reference comes back with them', async () => {
  await database.sql(`${FAMILY} CREATE TABLE children (id int PRIMARY KEY, code text REFERENCES parents (code) ON UPDATE CASCADE);
    INSERT INTO children SELECT n, 'c' || (1 + n % 6) FROM generate_series(1, 30) AS n`);
  const change = {
    key: 'id',
    pre: 'SELECT id, code FROM parents WHERE id <= 3',
    change: `UPDATE parents SET code = 'new' || id WHERE id <= 3 RETURNING id, code`,
    post: 'SELECT id, code FROM parents JOIN pre_keys USING (id)',
  };
  const { before, after, notices } = await changeAndRestore(change, 'parents');
  expect(after).toEqual(before);
  expect(notices).toEqual([]);
});

test('what triggers wrote stands in no audit, and is said with its numbers, when it happens and when the change is taken back', async () => {
  await database.sql(`${FAMILY} CREATE TABLE log (what text); CREATE TABLE notes (parent int); INSERT INTO notes SELECT n FROM generate_series(1, 3) AS n;
    CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (OLD.name); DELETE FROM notes WHERE parent = OLD.id; RETURN NULL; END $$;
    CREATE TRIGGER gone AFTER DELETE ON parents FOR EACH ROW EXECUTE FUNCTION gone()`);
  const { before, after, notices } = await changeAndRestore(DELETE('id <= 2'), 'parents');
  expect(after).toEqual({ ...before, log: ['(p1)', '(p2)'], notes: ['(3)'] });
  const what = '"public"."log" (2 inserted), "public"."notes" (2 deleted)';
  expect(notices).toEqual([
    `change has also written rows that are in no audit: ${what}.`,
    `change had also written rows that are in no audit and that nothing was taken back of: ${what}.`,
  ]);
});

test('rows of a table without a key are said, too: nothing tells them apart', async () => {
  await database.sql(`${FAMILY} CREATE TABLE children (parent int REFERENCES parents ON DELETE CASCADE);
    INSERT INTO children SELECT 1 + n % 6 FROM generate_series(1, 30) AS n`);
  const { notices } = await changeAndRestore(DELETE('id <= 3'), 'parents');
  expect(notices[0]).toBe('change has also written rows that are in no audit: "public"."children" (15 deleted).');
  expect(notices).toHaveLength(2);
});

test.each([
  ['DELETE', 'DELETE FROM parents WHERE id <= 2 RETURNING *'],
  ['UPDATE', `UPDATE parents SET name = 'x' RETURNING *`],
])('a %s without pre cannot be taken back, and no row is touched', async (_, change) => {
  await database.sql(FAMILY);
  const { context, close } = await openWork(database, { root });
  await context.dataChange('change', { key: 'id', change });
  const left = await everything();
  await expect(context.restoreFrom('change', { table: 'parents' })).rejects.toMatchObject({ code: 'PH5019' });
  expect(await everything()).toEqual(left);
  await close();
});

test.each([
  [
    'a partition',
    `CREATE TABLE whole (id int PRIMARY KEY, n int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF whole FOR VALUES FROM (1) TO (9); INSERT INTO whole VALUES (1, 1), (2, 2)`,
    'part',
  ],
  [
    'a child by inheritance',
    `CREATE TABLE whole (id int PRIMARY KEY, n int); CREATE TABLE part () INHERITS (whole); INSERT INTO part VALUES (1, 1), (2, 2)`,
    'whole',
  ],
  [
    'a view with a trigger of its own',
    `CREATE TABLE whole (id int PRIMARY KEY, n int); INSERT INTO whole VALUES (1, 1), (2, 2); CREATE VIEW part AS SELECT * FROM whole;
     CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE whole SET n = NEW.n WHERE id = OLD.id; RETURN NEW; END $$;
     CREATE TRIGGER instead INSTEAD OF UPDATE ON part FOR EACH ROW EXECUTE FUNCTION instead()`,
    'part',
  ],
])('the rows of %s are its own, and nothing else is said', async (_, schema, table) => {
  await database.sql(schema);
  const change = {
    key: 'id',
    pre: `SELECT id, n FROM ${table}`,
    change: `UPDATE ${table} SET n = n + 1 RETURNING id, n`,
    post: `SELECT id, n FROM ${table}`,
  };
  const { before, between, after, notices } = await changeAndRestore(change, table);
  expect(between).not.toEqual(before);
  expect([after, notices]).toEqual([before, []]);
});

test('rows that the role may not see are left out, and the change is made as before', async () => {
  await database.sql(`${FAMILY} CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
    INSERT INTO children SELECT n, 1 + n % 6 FROM generate_series(1, 12) AS n`);
  // The ledger is made by somebody else.
  await (await openWork(database, { root })).close();
  const { name, url } = await database.role();
  await database.sql(`GRANT SELECT, DELETE ON parents TO ${name}; GRANT USAGE ON SCHEMA phase TO ${name}; GRANT ALL ON ALL TABLES IN SCHEMA phase TO ${name};
    GRANT ALL ON ALL SEQUENCES IN SCHEMA phase TO ${name}`);
  const notices: string[] = [];
  const { context, close } = await openWork(
    { url, client: database.client },
    { root, onNotice: (notice) => notices.push(notice) },
  );
  await context.dataChange('change', DELETE('id <= 3'));
  await close();
  expect(notices).toEqual(['change has also written rows that are in no audit: "public"."children" (6 deleted).']);
});

test('what was set and has gone since does not keep the rest from coming back', async () => {
  await database.sql(`${FAMILY} CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL);
    INSERT INTO children SELECT n, 1 + n % 6 FROM generate_series(1, 12) AS n`);
  const { context, close } = await openWork(database, { root });
  await context.dataChange('change', DELETE('id <= 3'));
  await database.sql('DELETE FROM children WHERE id = 1');
  await context.restoreFrom('change', { table: 'parents' });
  await close();
  const wrong = await database.sql('SELECT FROM children WHERE parent IS DISTINCT FROM 1 + id % 6');
  expect([wrong, (await everything()).parents]).toEqual([[], expect.arrayContaining(['(1,c1,p1)'])]);
});

test('an identity that is always generated stays as it is where the rest of its row comes back', async () => {
  await database.sql(
    `CREATE TABLE t (key text PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY, n int); INSERT INTO t (key, n) VALUES ('a', 1), ('b', 2)`,
  );
  const change = {
    key: 'key',
    pre: 'SELECT * FROM t',
    change: 'UPDATE t SET n = 0 RETURNING *',
    post: 'SELECT * FROM t',
  };
  const { before, after } = await changeAndRestore(change, 't');
  expect(after).toEqual(before);
});

test('a change that redacts writes nothing down beside itself', async () => {
  await database.sql(`CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE); INSERT INTO people VALUES (1, 'secret@x');
    CREATE TABLE logins (id int PRIMARY KEY, email text REFERENCES people (email) ON DELETE CASCADE); INSERT INTO logins VALUES (1, 'secret@x')`);
  const notices: string[] = [];
  const { context, close } = await openWork(database, { root, onNotice: (notice) => notices.push(notice) });
  await context.dataChange('change', {
    key: 'id',
    redact: ['email'],
    pre: 'SELECT * FROM people',
    change: 'DELETE FROM people RETURNING *',
  });
  await close();
  expect(notices).toEqual(['change has also written rows that are in no audit: "public"."logins" (1 deleted).']);
  expect(await database.sql('SELECT name FROM phase.audits WHERE along IS NOT NULL')).toEqual([]);
});

test('where the server counts nothing it is said that nobody knows what else was written', async () => {
  await database.sql(`${FAMILY} ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET track_counts = off`);
  const { notices } = await changeAndRestore(DELETE('id <= 2'), 'parents');
  expect(notices).toEqual([
    'Whether change has also written other rows is not known: track_counts is off on this server.',
  ]);
});
