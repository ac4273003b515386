import { afterEach, expect } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

onVersions((server) => {
  let database: TestDatabase;
  let project: TestProject;
  afterEach(async () => {
    project.remove();
    await database.drop();
  });

  const rename = (from: string, to: string): string[] => [
    ...['new', 'rename-column', '--table', 'users', '--from', from, '--to', to],
    ...['--releases', `${R1},${R2},${R3}`, '--yes'],
  ];

  /** A table whose trigger keeps a time and a count of its updates; rows are from long ago. */
  const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, email text, updated_at timestamptz NOT NULL DEFAULT now(), touched int NOT NULL DEFAULT 0);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := clock_timestamp(); NEW.touched := NEW.touched + 1; RETURN NEW; END';
  INSERT INTO users SELECT n, 'v' || n, '2001-02-03Z', 7 FROM generate_series(1, 100) AS n`;

  async function prepare({ always = false, as = 'superuser' } = {}): Promise<void> {
    database = await createDatabase(server());
    project = new TestProject(database.url);
    await database.sql(
      `${SCHEMA}; CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch(); ${always ? 'ALTER TABLE users ENABLE ALWAYS TRIGGER touch' : ''}`,
    );
    if (as === 'superuser') return;
    const role = await database.role();
    await database.sql(`ALTER TABLE users OWNER TO ${role.name}; ALTER FUNCTION touch() OWNER TO ${role.name};
    GRANT ALL ON SCHEMA public TO ${role.name}; DO $$ BEGIN EXECUTE format('GRANT ALL ON DATABASE %I TO ${role.name}', current_database()); END $$`);
    project.url = role.url;
  }

  const CASES = [
    ['a superuser', { as: 'superuser' }, 'quiet'],
    ['a superuser, and a trigger that is always enabled', { as: 'superuser', always: true }, 'put back'],
    ['the owner of the table', { as: 'owner' }, 'put back'],
  ] as const;

  test.each([
    ['exact: true', { as: 'superuser' }],
    ['exact: true', { as: 'owner' }],
    ['quietTriggers: true', { as: 'superuser' }],
  ] as const)('a backfill of a column that is being renamed, %s by %p, writes both columns', async (how, given) => {
    await prepare(given);
    await project.json(...rename('email', 'addr'));
    await project.json('migrate', '--release', R1);
    await project.json('release', 'cut', R1);
    await project.json('new', 'data', 'shout', '--release', R2);
    const [file = ''] = Object.keys(project.files()).filter((path) => path.endsWith('_shout.ts'));
    project.write(
      file,
      `export const config = { transaction: false, safeToRepeat: true };
       export const up = (knex, { backfill }) => backfill({ table: 'users', set: { email: 'upper(email)' }, where: 'email <> upper(email)', ${how} });`,
    );
    await project.json('hash', '--no-replay');
    await project.json('migrate', '--release', R2);
    expect(
      await database.sql(
        'SELECT left(email, 1) AS first, email = addr AS same, count(*)::int AS rows FROM users GROUP BY 1, 2',
      ),
    ).toEqual([{ first: 'V', same: true, rows: 100 }]);
  });

  test('once a rename is over its old name is free for another column, which a backfill then sets alone', async () => {
    await prepare();
    await project.json(...rename('email', 'addr'));
    for (const release of [R1, R2, R3]) {
      await project.json('release', 'cut', release);
      await project.json('migrate', '--release', release, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
    }
    await database.sql('ALTER TABLE users ADD COLUMN email text');
    await project.json('new', 'data', 'mark', '--release', '1.4.0');
    const [file = ''] = Object.keys(project.files()).filter((path) => path.endsWith('_mark.ts'));
    project.write(
      file,
      `export const config = { transaction: false, safeToRepeat: true };
       export const up = (knex, { backfill }) => backfill({ table: 'users', set: { email: "'other'" }, where: 'email IS NULL', exact: true });`,
    );
    await project.json('hash', '--no-replay');
    await project.json('migrate', '--release', '1.4.0');
    expect(
      await database.sql('SELECT email, left(addr, 1) AS addr, count(*)::int AS rows FROM users GROUP BY 1, 2'),
    ).toEqual([{ email: 'other', addr: 'v', rows: 100 }]);
  });

  test.each(CASES)('a backfill by %s leaves what triggers keep of a row as it was', async (_who, given, fate) => {
    await prepare(given);
    const { warnings } = await project.json(...rename('email', 'addr'));
    expect(warnings).toContainEqual({
      code: 'trigger_fires_on_backfill',
      message: expect.stringContaining('what it changes of a row is put back'),
    });
    await project.json('migrate', '--release', R1);
    expect(
      await database.sql(
        `SELECT touched, updated_at::date::text AS at, count(*)::int AS rows FROM users WHERE addr = email GROUP BY 1, 2`,
      ),
    ).toEqual([{ touched: 7, at: '2001-02-03', rows: 100 }]);
    const { audits } = await project.json('audit', 'list');
    expect(project.read(audits[0].file)).toContain(`,${fate},`);
    expect(await database.sql(`SELECT tgname FROM pg_trigger WHERE tgname ~ 'exact'`)).toEqual([]);
    // The application's own updates still fire it.
    await database.sql(`UPDATE users SET email = 'new' WHERE id = 1`);
    expect(await database.sql('SELECT touched, addr FROM users WHERE id = 1')).toEqual([{ touched: 8, addr: 'new' }]);
  });

  test.each(CASES)(
    'a backfill by %s leaves the very column as it was that a trigger keeps',
    async (_who, given, _fate) => {
      await prepare(given);
      await project.json(...rename('updated_at', 'changed_at'));
      await project.json('migrate', '--release', R1);
      expect(
        await database.sql(
          `SELECT updated_at::date::text AS old, changed_at::date::text AS new, touched, count(*)::int AS rows FROM users GROUP BY 1, 2, 3`,
        ),
      ).toEqual([{ old: '2001-02-03', new: '2001-02-03', touched: 7, rows: 100 }]);
      await database.sql(`UPDATE users SET email = 'new' WHERE id = 1`);
      expect(
        await database.sql(
          'SELECT updated_at = changed_at AS alike, updated_at > now() - interval $$1 hour$$ AS recent FROM users WHERE id = 1',
        ),
      ).toEqual([{ alike: true, recent: true }]);
    },
  );

  test('undoing phase 3 leaves what triggers keep as it was, too', async () => {
    await prepare({ as: 'owner' });
    await project.json(...rename('email', 'addr'));
    for (const release of [R1, R2, R3]) {
      await project.json('release', 'cut', release);
      await project.json('migrate', '--release', release, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
    }
    await project.json('rollback', '--steps', '1');
    expect(
      await database.sql(`SELECT touched, count(*)::int AS rows FROM users WHERE email = addr GROUP BY 1`),
    ).toEqual([{ touched: 7, rows: 100 }]);
  });

  test.each([
    ['the owner of the table', 'owner', '', 'may set session_replication_role'],
    [
      'a superuser, and a rule that is always applied',
      'superuser',
      'ALTER TABLE users ENABLE ALWAYS RULE noted',
      'make it a trigger',
    ],
  ])('a rule that rewrites updates is found before phase 1 runs: %s', async (_who, as, more, remedy) => {
    await prepare({ as });
    await database.sql(`CREATE RULE noted AS ON UPDATE TO users DO ALSO NOTHING; ${more}`);
    const { warnings } = await project.json(...rename('email', 'addr'));
    expect(warnings).toContainEqual({ code: 'rule_rewrites_updates', message: expect.stringContaining('"noted"') });
    const refused = await project.phase('migrate', '--release', R1, '--json');
    expect([refused.code, refused.json.error.code, refused.json.applied]).toEqual([4, 'PH2017', []]);
    expect(refused.json.error.remedy).toContain(remedy);
    await database.sql('DROP RULE noted ON users');
    await project.json('migrate', '--release', R1);
  });

  test('a superuser needs no such thing: rules keep quiet, too', async () => {
    await prepare();
    await database.sql(
      `CREATE TABLE log (id int); CREATE RULE noted AS ON UPDATE TO users DO ALSO INSERT INTO log VALUES (NEW.id)`,
    );
    await project.json(...rename('email', 'addr'));
    await project.json('migrate', '--release', R1);
    expect(await database.sql('SELECT * FROM log')).toEqual([]);
  });

  test('--quiet-triggers insists: a role that may not is told so, and nothing is written', async () => {
    await prepare({ as: 'owner' });
    const ran = await project.phase(...rename('email', 'addr'), '--quiet-triggers', '--json');
    expect({ exit: ran.code, code: ran.json.error.code, files: Object.keys(project.files()) }).toEqual({
      exit: 1,
      code: 'PH5016',
      files: [],
    });
  });
});
