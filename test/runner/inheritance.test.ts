import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect } from '@jest/globals';
import { createDatabase } from '../support/database.ts';
import { migrateBetween, pairAtPhase1 } from '../support/pair-fixture.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

/** A child by plain inheritance has the columns of its parent and none of its row triggers. */
onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());
  const rows = (sql: string) => fixture.database.sql(sql);
  const phase1 = async (schema: string): Promise<void> => {
    fixture = await pairAtPhase1(server(), schema);
  };
  const USERS = `CREATE TABLE users (id int, email text NOT NULL DEFAULT 'none'); INSERT INTO users VALUES (1, 'a@x')`;
  const VIPS = `${USERS}; CREATE TABLE vips (level int) INHERITS (users); INSERT INTO vips VALUES (2, 'b@x', 7); CREATE UNIQUE INDEX one ON vips (email)`;
  const inStep = async (expected: number): Promise<void> =>
    expect(
      await rows('SELECT count(*)::int AS rows, count(*) FILTER (WHERE email = addr)::int AS alike FROM users'),
    ).toEqual([{ rows: expected, alike: expected }]);
  const stragglers = ['--straggler-window', '0'];

  test('writes to a child are kept in step in both phases, also those that contend for its unique index', async () => {
    await phase1(VIPS);
    await rows(
      `INSERT INTO vips (id, email) VALUES (3, 'c@x') ON CONFLICT (email) DO NOTHING; UPDATE users SET email = 'd@x' WHERE id = 2`,
    );
    await inStep(3);
    await fixture.deploy(R2);
    await rows(`INSERT INTO vips (id, email) VALUES (4, 'e@x') ON CONFLICT (email) DO NOTHING; INSERT INTO vips (id, addr) VALUES (5, 'f@x') ON CONFLICT (addr) DO NOTHING;
      INSERT INTO vips (id, addr) VALUES (6, 'f@x') ON CONFLICT (addr) DO NOTHING; UPDATE vips SET addr = 'g@x' WHERE id = 3; INSERT INTO users (id) VALUES (7)`);
    await inStep(6);
    await fixture.deploy(R3);
    expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual(
      ['a@x', 'd@x', 'g@x', 'e@x', 'f@x', 'none'].map((addr) => ({ addr })),
    );
    expect(await rows(`SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`)).toEqual([]);
  });

  describe.each([1, 2])('a child that comes in phase %i', (phase) => {
    const reach = async (schema: string): Promise<void> => {
      await phase1(schema);
      if (phase === 2) await fixture.deploy(R2);
    };
    const finish = async (): Promise<void> => {
      if (phase === 1) await fixture.deploy(R2);
      await fixture.deploy(R3);
    };
    const side = phase === 1 ? 'email' : 'addr';

    test('by a migration gets the triggers of the sync in its transaction', async () => {
      await reach(USERS);
      const sql = `CREATE TABLE vips (level int) INHERITS (users); CREATE TABLE top () INHERITS (vips); INSERT INTO vips (id, ${side}) VALUES (2, 'b@x')`;
      expect(await migrateBetween(fixture, phase === 1 ? '1.1.5' : '1.2.5', sql)).toMatchObject({ code: 0 });
      await rows(`INSERT INTO vips (id, ${side}) VALUES (3, 'c@x'); INSERT INTO top (id, email) VALUES (4, 'd@x')`);
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr AND id > 2')).toEqual([]);
      await finish();
      expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual(
        ['a@x', 'b@x', 'c@x', 'd@x'].map((addr) => ({ addr })),
      );
    });

    test('by hand is named by status, and gets them from the next command', async () => {
      await reach(USERS);
      await rows(`CREATE TABLE vips (level int) INHERITS (users); INSERT INTO vips (id, ${side}) VALUES (2, 'b@x')`);
      const { renames } = await fixture.project.json('status');
      expect(JSON.stringify(renames)).toContain('on public.vips is missing or disabled');
      const ran = await fixture.project.phase('migrate', '--release', phase === 1 ? R1 : R2, ...stragglers);
      expect([ran.code, ran.stdout + ran.stderr]).toEqual([0, expect.stringContaining('vips" inherits the columns')]);
      await rows(`INSERT INTO vips (id, email) VALUES (3, 'c@x')`);
      await finish();
      expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual(['a@x', 'b@x', 'c@x'].map((addr) => ({ addr })));
    });
  });

  test('a child that is taken out of the inheritance keeps both columns as its own', async () => {
    await phase1(VIPS);
    await rows('ALTER TABLE vips NO INHERIT users');
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows(`SELECT attname FROM pg_attribute WHERE attrelid = 'vips'::regclass AND attnum > 1`)).toEqual(
      ['email', 'level', 'addr'].map((attname) => ({ attname })),
    );
    expect(await rows(`SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`)).toEqual([]);
  });

  test('a partition that is detached keeps both columns, and what hangs on them, as its own', async () => {
    await phase1(`CREATE TABLE names (email text PRIMARY KEY); INSERT INTO names VALUES ('a@x'), ('b@x');
      CREATE TABLE users (id int, email text) PARTITION BY LIST (id); CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1); CREATE TABLE users_2 PARTITION OF users FOR VALUES IN (2);
      CREATE INDEX own ON users_1 (email); ALTER TABLE users_1 ADD CONSTRAINT key FOREIGN KEY (email) REFERENCES names, ADD CONSTRAINT filled CHECK (email <> '');
      CREATE STATISTICS stats ON id, email FROM users_1;
      CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER mine BEFORE UPDATE OF email ON users_1 FOR EACH ROW EXECUTE FUNCTION f();
      INSERT INTO users VALUES (1, 'a@x'), (2, 'b@x')`);
    await rows('ALTER TABLE users DETACH PARTITION users_1');
    const what = `SELECT indexdef AS own FROM pg_indexes WHERE indexname = 'own' UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname IN ('key', 'filled')
      UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'mine' UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxname = 'stats' ORDER BY 1`;
    const before = await rows(what);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(before).toHaveLength(5);
    expect(await rows(what)).toEqual(before);
    expect(await rows('SELECT * FROM users')).toEqual([{ id: 2, addr: 'b@x' }]);
    expect(await rows('SELECT * FROM users_1')).toEqual([{ id: 1, email: 'a@x', addr: 'a@x' }]);
    await rows(`INSERT INTO users_1 (id, email) VALUES (1, 'b@x')`);
    expect(await rows(`SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`)).toEqual([{ tgname: 'mine' }]);
  });

  test.each([
    [
      'a partition',
      'users_2 PARTITION OF users FOR VALUES IN (2)',
      `CREATE TABLE users (id int, email text DEFAULT 'none') PARTITION BY LIST (id); CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1)`,
    ],
    ['a child', 'users_2 () INHERITS (users)', `CREATE TABLE users (id int, email text DEFAULT 'none')`],
  ])(
    '%s that was loaded by either release before it came keeps its values in any phase',
    async (_what, part, schema) => {
      const load = (id: number, side: string) =>
        `INSERT INTO users_2 (id, note, ${side}) VALUES (2, ${id}, '${side}'), (2, ${id + 1}, NULL); INSERT INTO users_2 (id, note) VALUES (2, ${id + 2})`;
      const quietly = (sql: string) => `SET session_replication_role = replica; ${sql}; RESET session_replication_role`;
      await phase1(schema.replace('email text', 'note int, email text'));
      await rows(`CREATE TABLE ${part}; ${quietly(`${load(1, 'email')}; ${load(11, 'addr')}`)}`);
      await fixture.deploy(R2);
      const values = 'SELECT note, addr FROM users WHERE id = 2 ORDER BY note';
      const expected = (id: number, side: string) => [
        { note: id, addr: side },
        { note: id + 1, addr: null },
        { note: id + 2, addr: 'none' },
      ];
      expect(await rows(values)).toEqual([...expected(1, 'email'), ...expected(11, 'addr')]);
      await rows(`DROP TABLE users_2; CREATE TABLE ${part}; ${quietly(`${load(1, 'email')}; ${load(11, 'addr')}`)}`);
      await fixture.deploy(R3);
      expect(await rows(values)).toEqual([...expected(1, 'email'), ...expected(11, 'addr')]);
    },
  );

  test('what only the new column of a child holds that has come is not lost when the rename is undone', async () => {
    await phase1(USERS);
    await fixture.deploy(R2);
    await rows(`CREATE TABLE vips () INHERITS (users); INSERT INTO vips (id, addr) VALUES (2, 'b@x')`);
    await fixture.project.json('rollback', '--steps', '4');
    expect(await rows('SELECT id, email FROM users ORDER BY id')).toEqual([
      { id: 1, email: 'a@x' },
      { id: 2, email: 'b@x' },
    ]);
  });

  test.each([
    [
      'a column that is called like the new one',
      `CREATE TABLE vips (addr text) INHERITS (users); INSERT INTO vips VALUES (2, 'b@x', 'Street 1')`,
      /column "addr" of (public\.)?vips/,
    ],
    [
      'an identity of its own',
      'CREATE TABLE vips () INHERITS (users); ALTER TABLE vips ALTER id ADD GENERATED ALWAYS AS IDENTITY',
      /identity of (public\.)?vips/,
    ],
    [
      'NULL where the table has none',
      'CREATE TABLE vips () INHERITS (users); ALTER TABLE ONLY users ALTER email SET NOT NULL',
      /may be NULL/,
    ],
  ])('a child with %s is refused by the wizard, and before phase 1 runs', async (what, sql, object) => {
    const column = what.includes('identity') ? 'id' : 'email';
    const before = `CREATE TABLE users (id int NOT NULL, email text); INSERT INTO users VALUES (1, 'a@x')`;
    fixture = await renameFixture({ server: server(), schema: before, from: column, to: 'addr' });
    await rows(sql);
    const refused = await fixture.project.phase('migrate', '--release', R1, '--json');
    expect([refused.code, refused.json.error.code, refused.json.error.message]).toEqual([
      4,
      'PH2019',
      expect.stringMatching(object),
    ]);
    rmSync(join(fixture.project.root, 'db'), { recursive: true });
    const flags = [
      '--table',
      'users',
      '--from',
      column,
      '--to',
      'addr',
      '--name',
      'again',
      '--releases',
      '2.1,2.2,2.3',
      '--yes',
      '--json',
    ];
    const wizard = await fixture.project.phase('new', 'rename-column', ...flags);
    expect([wizard.code, wizard.json.error.code, wizard.json.error.message.replaceAll('public.', '')]).toEqual([
      4,
      'PH2001',
      expect.stringMatching(object),
    ]);
    expect(await rows('SELECT * FROM users WHERE id = 1')).toEqual([{ id: 1, email: 'a@x' }]);
  });

  test.each([
    [
      'a partition',
      'CREATE TABLE users (id int, email text, PRIMARY KEY (id, email)) PARTITION BY LIST (id); CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1)',
      'users_2 PARTITION OF users FOR VALUES IN (2)',
      'users_3 PARTITION OF users FOR VALUES IN (3)',
    ],
    [
      'a child',
      'CREATE TABLE users (id int, email text)',
      'users_2 () INHERITS (users)',
      'users_3 () INHERITS (users)',
    ],
  ])(
    '%s that is dropped between the phases holds nothing up, with all that it had of its own',
    async (_what, schema, gone, come) => {
      await phase1(`CREATE TABLE names (email text PRIMARY KEY); ${schema}; CREATE TABLE ${gone};
      CREATE INDEX own ON users_2 (email); ALTER TABLE users_2 ADD CONSTRAINT single UNIQUE (email, id), ADD CONSTRAINT filled CHECK (email <> ''), ADD CONSTRAINT known FOREIGN KEY (email) REFERENCES names`);
      await rows(`DROP TABLE users_2; CREATE TABLE ${come}; INSERT INTO users_3 (id, email) VALUES (3, 'c@x')`);
      await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect(await rows('SELECT id, addr FROM users WHERE id = 3')).toEqual([{ id: 3, addr: 'c@x' }]);
      await fixture.project.json('rollback', '--steps', '5');
      expect(await rows('SELECT id, email FROM users WHERE id = 3')).toEqual([{ id: 3, email: 'c@x' }]);
    },
  );

  test('what left after phase 3 is left alone when that is undone', async () => {
    await phase1(`${VIPS}; CREATE INDEX own ON vips (lower(email))`);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    await rows('ALTER TABLE vips NO INHERIT users');
    await fixture.project.json('rollback', '--steps', '1');
    expect(await rows(`SELECT indexname FROM pg_indexes WHERE tablename = 'vips' ORDER BY 1`)).toEqual([
      { indexname: 'one' },
      { indexname: 'own' },
    ]);
  });

  test('a child is published by itself', async () => {
    const list = `SELECT tablename, attnames::text FROM pg_publication_tables WHERE pubname = 'pub' ORDER BY 1`;
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text); CREATE TABLE vips () INHERITS (users); ALTER TABLE vips ADD PRIMARY KEY (id);
      CREATE PUBLICATION pub FOR TABLE users (id, email)`);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows(list)).toEqual(['users', 'vips'].map((tablename) => ({ tablename, attnames: '{id,addr}' })));
  });

  test('a partition that goes by another name is named with the one that it had, and gets it back', async () => {
    await phase1(`CREATE TABLE users (id int, email text) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF users FOR VALUES FROM (0) TO (100);
      CREATE UNIQUE INDEX own ON p1 (email); INSERT INTO users VALUES (1, 'a')`);
    await rows('ALTER TABLE p1 RENAME TO p_one');
    await fixture.deploy(R2);
    await rows(`INSERT INTO p_one (id, addr) VALUES (2, 'b'); INSERT INTO p_one (id, email) VALUES (3, 'c')`);
    expect(await rows('SELECT email, addr FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
    const refused = await fixture.project.phase('migrate', '--release', R3, ...stragglers, '--json');
    expect(refused.json.error).toMatchObject({
      code: 'PH2008',
      message: expect.stringContaining('index "own" of "public"."p_one", which was "public"."p1"'),
      remedy: expect.stringContaining('by the one that it had'),
    });
    await rows('ALTER TABLE p_one RENAME TO p1');
    await fixture.deploy(R3);
    expect(await rows(`SELECT indexname FROM pg_indexes WHERE tablename = 'p1'`)).toEqual([{ indexname: 'own' }]);
  });

  test('a column from another parent, too, holds the gate up until it is from one', async () => {
    await phase1(VIPS);
    await rows(`CREATE TABLE other (email text NOT NULL); ALTER TABLE vips INHERIT other`);
    const refused = await fixture.project.phase('migrate', '--release', R2, ...stragglers, '--json');
    expect([refused.code, refused.json.error.code, refused.json.error.message]).toEqual([
      4,
      'PH2008',
      expect.stringContaining('table public.vips has from another parent'),
    ]);
    expect(refused.json.error.remedy).toContain('taking it out of the inheritance');
    await rows('ALTER TABLE vips NO INHERIT other');
    await fixture.deploy(R2);
    await fixture.deploy(R3);
  });

  test('a backfill by a role that may not keep triggers quiet leaves what those of children keep of a row as it was', async () => {
    const database = await createDatabase(server());
    const project = new TestProject(database.url);
    fixture = {
      database,
      project,
      deploy: async () => undefined,
      remove: async () => {
        project.remove();
        await database.drop();
      },
    };
    await rows(`CREATE TABLE users (id int, email text, touched int NOT NULL DEFAULT 0); CREATE TABLE vips () INHERITS (users); INSERT INTO vips VALUES (1, 'a@x');
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END';
      CREATE TRIGGER touch BEFORE UPDATE ON vips FOR EACH ROW EXECUTE FUNCTION touch()`);
    const { name, url } = await database.role();
    await rows(`ALTER TABLE users OWNER TO ${name}; ALTER TABLE vips OWNER TO ${name}; ALTER FUNCTION touch() OWNER TO ${name};
      GRANT ALL ON SCHEMA public TO ${name}; DO $$ BEGIN EXECUTE format('GRANT ALL ON DATABASE %I TO ${name}', current_database()); END $$`);
    project.url = url;
    const releases = `${R1},${R2},${R3}`;
    await project.json(
      'new',
      'rename-column',
      '--table',
      'users',
      '--from',
      'email',
      '--to',
      'addr',
      '--releases',
      releases,
      '--yes',
    );
    await project.json('migrate', '--release', R1);
    expect(await rows('SELECT addr, touched FROM vips')).toEqual([{ addr: 'a@x', touched: 0 }]);
    expect(await rows(`SELECT tgname FROM pg_trigger WHERE tgname ~ 'exact'`)).toEqual([]);
  });
});
