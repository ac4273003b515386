import { afterEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { onVersions } from '../support/versions.ts';

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
