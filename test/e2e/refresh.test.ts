import { afterEach, expect, test } from '@jest/globals';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { deployedFixture } from '../support/deployed-fixture.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { expectPlainRename, expectSameCatalogue, plainRename } from './oracle.ts';

const SCHEMA = `
  CREATE TABLE names (name text PRIMARY KEY); INSERT INTO names SELECT 'v' || n FROM generate_series(1, 100) AS n;
  CREATE TABLE users (id int PRIMARY KEY, tenant int, old text NOT NULL); CREATE INDEX users_old ON users (old);
  INSERT INTO users SELECT n, n, 'v' || n FROM generate_series(1, 100) AS n;
  CREATE PUBLICATION changes FOR TABLE users;`;

/** What somebody did in production that the author of the rename never saw, one object of each kind. */
const BEHIND_ITS_BACK = `
  CREATE INDEX only_here ON users (tenant, lower(old)) WHERE old <> 'x'; CREATE UNIQUE INDEX once ON users (old);
  ALTER TABLE users ADD CONSTRAINT unique_here UNIQUE (old, id), ADD CONSTRAINT not_long CHECK (length(old) < 50),
    ADD CONSTRAINT known FOREIGN KEY (old) REFERENCES names ON DELETE CASCADE, ADD CONSTRAINT apart EXCLUDE USING btree (old WITH =, id WITH =);
  CREATE TABLE posts (author text CONSTRAINT author REFERENCES users (old)); INSERT INTO posts SELECT old FROM users LIMIT 5;
  CREATE STATISTICS related ON tenant, old FROM users;
  CREATE VIEW shouted AS SELECT upper(old) AS name FROM users; CREATE VIEW louder AS SELECT name || '!' FROM shouted;
  ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (old = current_user);
  CREATE FUNCTION put(what text) RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO users (id, old) VALUES (1000, what) ON CONFLICT (id) DO UPDATE SET old = excluded.old; END;
  CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
  ALTER TABLE users ALTER old SET DEFAULT 'nobody', ALTER old SET STATISTICS 7; COMMENT ON COLUMN users.old IS 'by hand'; GRANT SELECT (old) ON users TO PUBLIC;
  CREATE TRIGGER noted AFTER UPDATE OF old ON users FOR EACH ROW WHEN (NEW.old <> 'x') EXECUTE FUNCTION noted();`;

let fixture: RenameFixture;
const databases: TestDatabase[] = [];
afterEach(async () => {
  await fixture.remove();
  for (const database of databases.splice(0)) await database.drop();
});

/** Phases 1 and 2 are through, and the third release is still open. */
async function untilPhase3(): Promise<void> {
  fixture = await deployedFixture({ schema: SCHEMA, cut: [R1, R2] }, R1, R2);
}

const migrate = () => fixture.project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');

test('what was made behind the back of a rename is refused by name, and --refresh carries it over', async () => {
  await untilPhase3();
  await fixture.database.sql(BEHIND_ITS_BACK);
  const refused = await migrate();
  expect(refused).toMatchObject({ code: 4, json: { error: { code: 'PH2008' } } });
  const names = [
    'only_here',
    'once',
    'unique_here',
    'not_long',
    'known',
    'apart',
    'author',
    'related',
    'shouted',
    'own',
    'put',
    'noted',
  ];
  for (const name of names) expect(refused.json.error.message).toContain(name);
  expect(refused.json.error.remedy).toContain('--refresh');
  const { files } = await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes');
  expect(files.map(({ path, phase, release }: Record<string, string>) => `${path} ${phase} ${release}`)).toEqual([
    expect.stringMatching(/^db\/migrate\/\d+_users_old_to_new_phase_3_refresh_1\.ts 3 1\.3\.0$/),
    'db/renames/users_old_to_new_refresh_1.yml 3 1.3.0',
    'db/releases/1.3.0.yml 3 1.3.0',
  ]);
  expect((await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes')).files).toEqual(
    [],
  );
  await fixture.project.json('release', 'cut', R3);
  await fixture.deploy(R3);
  const plain = await plainRename(serverUrl(), SCHEMA + BEHIND_ITS_BACK, 'users', 'old', 'new');
  databases.push(plain);
  await expectPlainRename(fixture.database, plain);
});

test('a refresh can be undone with its phase, and done again', async () => {
  await untilPhase3();
  await fixture.database.sql(BEHIND_ITS_BACK);
  await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes');
  await fixture.deploy(R3);
  const { reverted } = await fixture.project.json('rollback', '--steps', '6');
  expect(reverted).toHaveLength(6);
  const untouched = await createDatabase();
  databases.push(untouched);
  await untouched.sql(SCHEMA + BEHIND_ITS_BACK);
  await expectSameCatalogue(fixture.database, untouched);
});

test('an index that comes after a refresh is mended by another one', async () => {
  await untilPhase3();
  await fixture.database.sql('CREATE INDEX first ON users (old, id)');
  await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes');
  await fixture.database.sql('CREATE INDEX second ON users (old, tenant)');
  expect((await migrate()).json.error).toMatchObject({ code: 'PH2008', message: expect.stringContaining('second') });
  expect((await fixture.project.json('status')).renames).toMatchObject([{ phase: 2 }]);
  await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes');
  await fixture.deploy(R3);
  const indexes = await fixture.database.sql(
    `SELECT indexdef FROM pg_indexes WHERE tablename = 'users' AND indexdef ~ 'new' ORDER BY 1`,
  );
  expect(indexes.map(({ indexdef }) => /INDEX (\w+) .*\((.*)\)/.exec(indexdef)?.slice(1))).toEqual([
    ['first', 'new, id'],
    ['second', 'new, tenant'],
    ['users_old', 'new'],
  ]);
});

test.each([
  [['--refresh', 'nothing'], 'PH1026'],
  [['--refresh', 'users_old_to_new', '--table', 'users'], 'PH1015'],
])('%j is refused and writes nothing', async (flags, code) => {
  await untilPhase3();
  const before = fixture.project.files();
  const { json } = await fixture.project.phase('new', 'rename-column', ...flags, '--yes', '--json');
  expect(json.error.code).toBe(code);
  expect(fixture.project.files()).toEqual(before);
});

test('once the third release is cut, a refresh says so', async () => {
  await untilPhase3();
  await fixture.project.json('release', 'cut', R3);
  await fixture.database.sql('CREATE INDEX late ON users (old, id)');
  const { code, json } = await fixture.project.phase(
    'new',
    'rename-column',
    '--refresh',
    'users_old_to_new',
    '--yes',
    '--json',
  );
  expect({ code, error: json.error.code }).toEqual({ code: 2, error: 'PH1019' });
});

test('a key that references the primary key of a partitioned table and was made behind the back of a rename is carried over, and back', async () => {
  const schema = `CREATE TABLE stock (old int, day date, PRIMARY KEY (old, day)) PARTITION BY RANGE (day); CREATE TABLE stock_1 PARTITION OF stock DEFAULT;
    CREATE TABLE sales (item int, day date); INSERT INTO stock SELECT n, '2020-01-01' FROM generate_series(1, 100) AS n; INSERT INTO sales SELECT old, day FROM stock`;
  const key = 'ALTER TABLE sales ADD CONSTRAINT sold FOREIGN KEY (item, day) REFERENCES stock ON DELETE CASCADE';
  fixture = await renameFixture({ schema, table: 'stock', cut: [R1, R2] });
  await fixture.deploy(R1);
  await fixture.deploy(R2);
  await fixture.database.sql(key);
  expect(await migrate()).toMatchObject({ code: 4, json: { error: { code: 'PH2008' } } });
  await fixture.project.json('new', 'rename-column', '--refresh', 'stock_old_to_new', '--yes');
  await fixture.project.json('release', 'cut', R3);
  await fixture.deploy(R3);
  const plain = await plainRename(serverUrl(), `${schema}; ${key}`, 'stock', 'old', 'new');
  databases.push(plain);
  await expectPlainRename(fixture.database, plain);
  const untouched = await createDatabase();
  databases.push(untouched);
  const later =
    'CREATE TABLE returns (item int, day date, CONSTRAINT returned FOREIGN KEY (item, day) REFERENCES stock)';
  await untouched.sql(`${schema}; ${key}; ${later}`);
  await fixture.database.sql(later);
  await fixture.project.json('rollback', '--steps', '6');
  await expectSameCatalogue(fixture.database, untouched);
});

test('a trigger that has got another name between the phases is carried over under it', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER noted AFTER UPDATE OF old ON users FOR EACH ROW WHEN (NEW.old <> 'x') EXECUTE FUNCTION noted()`,
    cut: [R1, R2],
  });
  await fixture.deploy(R1);
  await fixture.database.sql('ALTER TRIGGER noted ON users RENAME TO note_it');
  await fixture.deploy(R2);
  const { warnings } = await fixture.project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--yes');
  expect(warnings).toEqual([]);
  await fixture.project.json('release', 'cut', R3);
  await fixture.deploy(R3);
  const triggers = 'SELECT pg_get_triggerdef(oid) AS trigger FROM pg_trigger WHERE NOT tgisinternal';
  expect(await fixture.database.sql(triggers)).toEqual([
    { trigger: expect.stringMatching(/TRIGGER note_it AFTER UPDATE OF new ON .* WHEN \(\(new\.new <> 'x'::text\)\)/) },
  ]);
  await fixture.project.json('rollback', '--steps', '2');
  expect(await fixture.database.sql(triggers)).toHaveLength(3);
});
