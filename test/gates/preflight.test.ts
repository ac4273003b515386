import { afterEach, expect, test } from '@jest/globals';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
afterEach(() => fixture.remove());

const migrate = (release: string) => fixture.project.phase('migrate', '--release', release, '--json');
const limit = (value: string | number) =>
  fixture.project.write('phase.config.ts', `export default { rewriteLimit: ${JSON.stringify(value)} };`);
const ROWS = `INSERT INTO users SELECT n, 'v' || n FROM generate_series(1, 100) AS n`;

test('rows that violate a constraint which is not valid are found before the backfill meets them', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); ${ROWS}; ALTER TABLE users ADD CONSTRAINT loose CHECK (id > 3) NOT VALID`,
  });
  const refused = await migrate(R1);
  expect(refused).toMatchObject({ code: 4, json: { applied: [], error: { code: 'PH2014' } } });
  expect(refused.json.error.message).toContain('3 rows violate "loose"');
  expect((await fixture.project.json('status')).renames).toMatchObject([{ phase: 0 }]);
  await fixture.database.sql('DELETE FROM users WHERE id <= 3');
  await fixture.deploy(R1);
});

test('policies that hide rows, and a publication without a replica identity, are found before later steps, too', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int, old text); ${ROWS}; DROP ROLE IF EXISTS hidden_later; CREATE ROLE hidden_later LOGIN; ALTER TABLE users OWNER TO hidden_later;
      GRANT CREATE ON SCHEMA public TO hidden_later; DO $$ BEGIN EXECUTE 'GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO hidden_later'; END $$`,
  });
  const url = new URL(fixture.database.url);
  url.username = 'hidden_later';
  fixture.project.url = url.href;
  await fixture.deploy(R1);
  await fixture.database.sql(
    'ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY few ON users USING (id < 50)',
  );
  expect(await migrate(R2)).toMatchObject({ code: 4, json: { applied: [], error: { code: 'PH2015' } } });
  await fixture.database.sql('ALTER TABLE users NO FORCE ROW LEVEL SECURITY');
  for (const release of [R2, R3]) await fixture.deploy(release);
  await fixture.database.sql('CREATE PUBLICATION all_users FOR TABLE users');
  expect(await fixture.project.phase('rollback', '--json')).toMatchObject({
    code: 4,
    json: { error: { code: 'PH2016' } },
  });
  await fixture.database.sql('DROP PUBLICATION all_users');
  await fixture.project.json('rollback', '--steps', '5');
  await fixture.database.sql(
    'REASSIGN OWNED BY hidden_later TO CURRENT_USER; DROP OWNED BY hidden_later; DROP ROLE hidden_later',
  );
});

test('a role from which policies hide rows does not migrate', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); ${ROWS}; ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY few ON users USING (id < 50); DROP ROLE IF EXISTS hidden_from; CREATE ROLE hidden_from LOGIN; ALTER TABLE users OWNER TO hidden_from;
      GRANT CREATE ON SCHEMA public TO hidden_from; DO $$ BEGIN EXECUTE 'GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO hidden_from'; END $$`,
  });
  const url = new URL(fixture.database.url);
  url.username = 'hidden_from';
  fixture.project.url = url.href;
  expect(await migrate(R1)).toMatchObject({ code: 4, json: { applied: [], error: { code: 'PH2015' } } });
  await fixture.database.sql('ALTER ROLE hidden_from BYPASSRLS');
  await fixture.deploy(R1);
  expect(await fixture.database.sql('SELECT count(new)::int AS filled FROM users')).toEqual([{ filled: 100 }]);
  await fixture.database.sql(
    'REASSIGN OWNED BY hidden_from TO CURRENT_USER; DROP OWNED BY hidden_from; DROP ROLE hidden_from',
  );
});

test('a table that is larger here than where the rename was scaffolded is not locked for long', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text, CONSTRAINT apart EXCLUDE USING btree (old WITH =)); ${ROWS};
      CREATE MATERIALIZED VIEW names AS SELECT old FROM users`,
  });
  limit('1kB');
  expect(await migrate(R1)).toMatchObject({
    code: 4,
    json: { error: { code: 'PH2013', message: expect.stringContaining('"users"') } },
  });
  limit('1MB');
  await fixture.deploy(R1);
  limit(1024);
  expect(await migrate(R2)).toMatchObject({ code: 4, json: { error: { code: 'PH2013' } } });
  expect((await fixture.project.json('status')).renames).toMatchObject([{ phase: 1, mismatches: 0 }]);
});

test.each(['16 parsecs', -1, ''])('a rewriteLimit of %j is refused', async (given) => {
  fixture = await renameFixture({ schema: 'CREATE TABLE users (id int PRIMARY KEY, old text)' });
  limit(given);
  const { code, json } = await fixture.project.phase('status', '--json');
  expect({ code, error: json.error.code }).toEqual({ code: 2, error: 'PH1003' });
});
