import { afterEach, expect, test } from '@jest/globals';
import { expectPlainRename, plainRename } from '../e2e/oracle.ts';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
afterEach(async () => {
  project.remove();
  await database.drop();
});

const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, "old" timestamptz NOT NULL DEFAULT '2020-01-01 00:00+00' CHECK ("old" > '1900-01-01 00:00+00'), amount float8 DEFAULT 0.1, raw bytea DEFAULT '\\x00ff');
  CREATE INDEX ON users ("old"); INSERT INTO users SELECT n, '2020-01-01 00:00+00'::timestamptz + n * interval '1 hour' FROM generate_series(1, 500) AS n`;

/** What a role may have set for itself, of which some would end a run and others change what it writes. */
const HOSTILE = [
  "default_transaction_read_only = 'on'",
  "default_transaction_isolation = 'serializable'",
  "default_transaction_deferrable = 'on'",
  "quote_all_identifiers = 'on'",
  "TimeZone = 'Asia/Kolkata'",
  "DateStyle = 'SQL, DMY'",
  "IntervalStyle = 'iso_8601'",
  "extra_float_digits = '-15'",
  "bytea_output = 'escape'",
  "standard_conforming_strings = 'off'",
  "transform_null_equals = 'on'",
  "xmloption = 'document'",
  "row_security = 'on'",
  "statement_timeout = '700ms'",
  "lock_timeout = '1ms'",
  "idle_session_timeout = '500ms'",
  "idle_in_transaction_session_timeout = '500ms'",
  "transaction_timeout = '700ms'",
];

test('what a role has set for itself changes nothing of what a run does', async () => {
  database = await createDatabase();
  const { name, url } = await database.role();
  await database.sql(`GRANT CREATE, TEMPORARY ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${name}; GRANT CREATE ON SCHEMA public TO ${name};
    SET ROLE ${name}; ${SCHEMA}; RESET ROLE`);
  for (const setting of HOSTILE) await database.sql(`ALTER ROLE ${name} SET ${setting}`);
  project = new TestProject(url);
  await project.json('init');
  const releases = ['1.1.0', '1.2.0', '1.3.0'];
  const names = ['--table', 'users', '--from', 'old', '--to', 'new', '--releases', releases.join()];
  await project.json('new', 'rename-column', ...names, '--yes');
  project.write('package.json', '{ "version": "1.1.0" }');
  // Longer than any of the time-outs.
  await addMigration(project, '1.1.0', 'slow', '-- phase:no-transaction\nSELECT pg_sleep(1.2);');
  for (const release of releases) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    await project.json('finish', '--straggler-window', '0');
  }
  const plain = await plainRename(
    serverUrl(),
    `${SCHEMA}; ALTER TABLE users OWNER TO ${name}; GRANT CREATE ON SCHEMA public TO ${name}`,
    'users',
    'old',
    'new',
  );
  try {
    await expectPlainRename(database, plain);
    const rows = 'SELECT * FROM users ORDER BY id';
    expect(await database.sql(rows)).toEqual(await plain.sql(rows));
  } finally {
    await plain.drop();
  }
});
