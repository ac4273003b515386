import { afterEach, expect } from '@jest/globals';
import pg from 'pg';
import { pairAtPhase1 } from '../support/pair-fixture.ts';
import { R2, R3, type RenameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

/** What the functions that a rename leaves in a database may do, and for whom. */
onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());
  const rows = (sql: string) => fixture.database.sql(sql);
  const as = async (role: string, sql: string) => {
    await rows(`SET ROLE ${role}`);
    try {
      return await rows(sql);
    } finally {
      await rows('ROLLBACK; RESET ROLE');
    }
  };
  const syncFunctions = () =>
    rows(
      `SELECT p.prosecdef AS "asOwner", has_function_privilege('public', p.oid, 'EXECUTE') AS "isPublic" FROM pg_proc p WHERE proname LIKE 'sync%' ORDER BY proname`,
    );
  const PLAIN = `CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE DEFAULT 'none'); INSERT INTO users VALUES (1, 'a@x')`;
  /** Its default and its unique index name things that only the owner may look up. */
  const HIDDEN = `CREATE SCHEMA hidden; CREATE TYPE hidden.kind AS ENUM ('none', 'a', 'b', 'c', 'd');
    CREATE FUNCTION hidden.plain(k hidden.kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN CASE WHEN k = 'none' THEN NULL ELSE length(k::text) END; END $$;
    CREATE TABLE hidden.users (id int PRIMARY KEY, email hidden.kind DEFAULT 'none'); CREATE UNIQUE INDEX once ON hidden.users (hidden.plain(email), id);
    CREATE SCHEMA api; CREATE VIEW api.users AS SELECT * FROM hidden.users`;
  /** A trigger on a table of one's own, whose column runs code of one's own. */
  const ATTACK = (name: string) => `CREATE TEMPORARY TABLE mine (id int, email text, addr text);
    CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION ${name}(); INSERT INTO mine VALUES (1, 'x')`;

  test('the functions run as whoever writes, and nobody else may make triggers of them', async () => {
    fixture = await pairAtPhase1(server(), PLAIN);
    const { name } = await fixture.database.role();
    await rows(`GRANT SELECT, INSERT, UPDATE ON users TO ${name}`);
    expect(await syncFunctions()).toEqual([{ asOwner: false, isPublic: false }]);
    await expect(as(name, ATTACK('sync_users_email_phase_1'))).rejects.toMatchObject({ code: '42501' });
    await as(name, `INSERT INTO users (id, email) VALUES (2, 'b@x')`);
    await fixture.deploy(R2);
    expect(await syncFunctions()).toEqual([{ asOwner: false, isPublic: false }]);
    await expect(as(name, ATTACK('sync_users_email_phase_2'))).rejects.toMatchObject({ code: '42501' });
    await as(name, `INSERT INTO users (id, email) VALUES (3, 'c@x')`);
    expect((await fixture.project.json('status')).renames).toMatchObject([{ stragglers: 1 }]);
    await fixture.deploy(R3);
    expect(await rows(`SELECT proname FROM pg_proc WHERE pronamespace = 'phase'::regnamespace`)).toEqual([]);
  });

  test('a role that may use no schema of the table writes through a view in each phase', async () => {
    fixture = await pairAtPhase1(server(), `${HIDDEN}`, 'hidden.users');
    const { name } = await fixture.database.role();
    await rows(`GRANT USAGE ON SCHEMA api TO ${name}; GRANT SELECT, INSERT, UPDATE ON api.users TO ${name}`);
    await as(name, `INSERT INTO api.users (id, email) VALUES (1, 'a'); INSERT INTO api.users (id) VALUES (2)`);
    await fixture.deploy(R2);
    await as(name, `UPDATE api.users SET email = 'b' WHERE id = 1; INSERT INTO api.users (id) VALUES (3)`);
    expect(await rows('SELECT id, email, addr FROM hidden.users ORDER BY id')).toEqual([
      { id: 1, email: 'b', addr: 'b' },
      { id: 2, email: 'none', addr: 'none' },
      { id: 3, email: 'none', addr: 'none' },
    ]);
    // It has to run as its owner here, and so on its own table alone.
    expect(await syncFunctions()).toEqual([{ asOwner: true, isPublic: false }]);
    const hidden = 'hidden.sync_users_email_phase_2';
    await rows(`GRANT USAGE ON SCHEMA hidden TO ${name}; GRANT EXECUTE ON FUNCTION ${hidden} TO ${name}`);
    await expect(as(name, ATTACK(hidden))).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining('another table'),
    });
    await fixture.deploy(R3);
  });

  test.each([
    ['PARTITION BY RANGE (id)', 'PARTITION OF users FOR VALUES FROM (0) TO (100)'],
    ['', '() INHERITS (users)'],
  ])('an owner who does not migrate makes partitions and children: %s', async (kind, child) => {
    fixture = await pairAtPhase1(server(), `CREATE TABLE users (id int, email text) ${kind}`);
    const { name } = await fixture.database.role();
    await rows(`ALTER TABLE users OWNER TO ${name}; GRANT CREATE ON SCHEMA public TO ${name}`);
    await fixture.deploy(R2);
    await as(name, `CREATE TABLE p1 ${child}`);
    await fixture.project.json('migrate', '--release', R2);
    await as(name, `INSERT INTO p1 (id, email) VALUES (1, 'a')`);
    expect(await rows('SELECT email, addr FROM users')).toEqual([{ email: 'a', addr: 'a' }]);
    await fixture.deploy(R3);
  });

  test.each([1, 2])(
    'what an earlier version has left in a database in phase %s is put right by the next command',
    async (phase) => {
      fixture = await pairAtPhase1(server(), PLAIN);
      if (phase === 2) await fixture.deploy(R2);
      const before = `sync_users_email_phase_${phase}()`;
      await rows(`ALTER FUNCTION ${before} SECURITY DEFINER; GRANT EXECUTE ON FUNCTION ${before} TO PUBLIC;
      ${phase === 1 ? '' : 'DROP FUNCTION phase.stragglers_users_email_to_addr()'}`);
      await fixture.project.json('migrate', '--release', phase === 1 ? '1.1.0' : R2);
      expect(await syncFunctions()).toEqual([{ asOwner: false, isPublic: false }]);
      if (phase === 1) await fixture.deploy(R2);
      await rows(`INSERT INTO users (id, email) VALUES (3, 'c@x')`);
      expect((await fixture.project.json('status')).renames).toMatchObject([{ stragglers: 1 }]);
      await fixture.deploy(R3);
    },
  );

  test('a session of the application that is called like a runner does not hold one up; one that has its lock is named with its role', async () => {
    fixture = await pairAtPhase1(server(), PLAIN);
    const deployer = await fixture.database.role();
    const { name, url } = await fixture.database.role();
    await rows(`GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${deployer.name}; GRANT ALL ON SCHEMA public, phase TO ${deployer.name};
      GRANT ALL ON ALL TABLES IN SCHEMA phase TO ${deployer.name}; GRANT ALL ON ALL SEQUENCES IN SCHEMA phase TO ${deployer.name}`);
    const session = new pg.Client({ connectionString: url, application_name: 'phase-run cafe me@here' });
    await session.connect();
    const sleeping = session.query('SELECT pg_sleep(600)').catch(() => undefined);
    fixture.project.url = deployer.url;
    const again = () => fixture.project.phase('migrate', '--release', '1.1.0', '--json');
    expect(await again()).toMatchObject({ code: 0 });
    const stop = 'SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = ';
    await rows(`${stop}'${name}'`);
    await sleeping;
    await session.query('SELECT pg_advisory_lock(1885888883, 1920298606)');
    fixture.project.write('phase.config.ts', "export default { runnerLockTimeout: '1s' }");
    expect((await again()).json.error).toMatchObject({
      code: 'PH4001',
      message: expect.stringContaining(`of role ${name}`),
      remedy: expect.stringContaining('pg_terminate_backend'),
    });
    await session.end();
    fixture.project.url = fixture.database.url;
  });
});
