import { afterEach, describe, expect } from '@jest/globals';
import { migrateBetween, pairAtPhase1 } from '../support/pair-fixture.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());
  const rows = (sql: string) => fixture.database.sql(sql);
  const phase1 = async (schema: string): Promise<void> => {
    fixture = await pairAtPhase1(server(), schema);
  };
  const between = (sql: string, release = '1.1.5', extension = 'sql') =>
    migrateBetween(fixture, release, sql, extension);
  const plainly = (column: string, id: number) =>
    `INSERT INTO users (id, tenant, ${column}) VALUES (${id}, 1, '${column}${id}') ON CONFLICT (tenant, ${column}) DO NOTHING`;

  const UNIQUE = `CREATE TABLE users (id int PRIMARY KEY, tenant int DEFAULT 1, email text, note text);
    CREATE UNIQUE INDEX once ON users (tenant, email); INSERT INTO users VALUES (1, 1, 'a@x')`;

  describe('what the sync guards follows the indexes', () => {
    test('when a column of it is renamed', async () => {
      await phase1(UNIQUE);
      expect(await between('ALTER TABLE users RENAME COLUMN tenant TO team')).toMatchObject({ code: 0 });
      const write = (column: string, id: number) => rows(plainly(column, id).replaceAll('tenant', 'team'));
      await write('email', 2);
      await fixture.deploy(R2);
      await write('email', 3);
      await write('addr', 4);
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
      await fixture.deploy(R3);
      expect(await rows('SELECT count(*)::int AS rows FROM users WHERE addr IS NOT NULL')).toEqual([{ rows: 4 }]);
    });

    test('when it is renamed; the gate of phase 3 names it, and a refresh into a hotfix leads on', async () => {
      await phase1(UNIQUE);
      expect(await between('ALTER INDEX once RENAME TO one')).toMatchObject({ code: 0 });
      await fixture.deploy(R2);
      await rows(plainly('addr', 4));
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
      const { project } = fixture;
      const refused = await project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
      expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2008']);
      await project.json('new', 'rename-column', '--refresh', 'users_email_to_addr', '--release', '1.2.9', '--yes');
      await project.json('release', 'cut', '1.2.9');
      await fixture.deploy(R3);
      expect(await rows(`SELECT indexdef FROM pg_indexes WHERE indexname ~ '^on'`)).toEqual([
        { indexdef: 'CREATE UNIQUE INDEX one ON public.users USING btree (tenant, addr)' },
      ]);
    });

    test('when a column of it is dropped, and the index with it', async () => {
      await phase1(UNIQUE);
      expect(await between('ALTER TABLE users DROP COLUMN tenant')).toMatchObject({ code: 0 });
      await rows(`INSERT INTO users (id, email) VALUES (2, 'b@x')`);
      await fixture.deploy(R2);
      await rows(`INSERT INTO users (id, email) VALUES (3, 'c@x'); INSERT INTO users (id, addr) VALUES (4, 'd@x')`);
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
      await fixture.deploy(R3);
    });
  });

  describe('a migration outside a transaction is followed statement by statement', () => {
    const PLAIN = `CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a@x')`;
    const WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    const write = async (id: number): Promise<void> => {
      await rows(`INSERT INTO users (id, email) VALUES (${id}, 'given'); INSERT INTO users (id) VALUES (${id + 1})`);
      expect(await rows(`SELECT email, addr FROM users WHERE id >= ${id} ORDER BY id`)).toEqual(
        ['given', 'late'].map((value) => ({ email: value, addr: value })),
      );
    };

    test('while it runs', async () => {
      await phase1(PLAIN);
      await rows('SELECT pg_advisory_lock(7)');
      const running = between(
        `-- phase:no-transaction\nALTER TABLE users ALTER COLUMN addr SET DEFAULT 'late';\nSELECT pg_advisory_lock(7);`,
      );
      while ((await rows(WAITING)).length === 0) await new Promise((done) => setTimeout(done, 20));
      await write(2);
      await rows('SELECT pg_advisory_unlock(7)');
      expect(await running).toMatchObject({ code: 0 });
    });

    test('by an operation in code, while it goes on', async () => {
      await phase1(PLAIN);
      await fixture.deploy(R2);
      await rows('SELECT pg_advisory_lock(7)');
      const running = between(
        `import { setDefault } from 'triphase'; export const config = { transaction: false, safeToRepeat: true };
        export const up = async (knex) => { await setDefault(knex, { on: '"public"."users"', column: 'addr', expression: "'late'" }); await knex.raw('SELECT pg_advisory_lock(7)'); };
        export const down = async () => undefined;`,
        '1.2.5',
        'mjs',
      );
      while ((await rows(WAITING)).length === 0) await new Promise((done) => setTimeout(done, 20));
      await write(2);
      await rows('SELECT pg_advisory_unlock(7)');
      expect(await running).toMatchObject({ code: 0 });
    });

    test.each([
      [
        'in SQL',
        'sql',
        `-- phase:no-transaction\nALTER TABLE users ALTER COLUMN addr SET DEFAULT 'late';\nSELECT 1 / 0;`,
      ],
      [
        'in code',
        'mjs',
        `export const config = { transaction: false };
        export const up = async (knex) => { await knex.raw("ALTER TABLE users ALTER COLUMN addr SET DEFAULT 'late'"); throw new Error('died'); };`,
      ],
    ])('where it fails in the middle, %s', async (_form, extension, source) => {
      await phase1(PLAIN);
      expect(await between(source, '1.1.5', extension)).toMatchObject({ code: 1 });
      await write(2);
    });
  });

  test('what was altered by hand survives the undoing of a phase', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text)`);
    await fixture.deploy(R2);
    await rows(`ALTER TABLE users ALTER COLUMN addr SET DEFAULT 'late'`);
    await fixture.project.json('rollback', '--steps', '1');
    await rows(`INSERT INTO users (id, email) VALUES (2, 'given'); INSERT INTO users (id) VALUES (3)`);
    expect(await rows('SELECT email, addr FROM users ORDER BY id')).toEqual(
      ['given', 'late'].map((value) => ({ email: value, addr: value })),
    );
  });

  describe('a default that the catalogue gives by another way is followed', () => {
    test('a domain whose default changes', async () => {
      await phase1(
        `CREATE DOMAIN address AS text DEFAULT 'first'; CREATE TABLE users (id int PRIMARY KEY, email address)`,
      );
      expect(await between(`ALTER DOMAIN address SET DEFAULT 'second'`)).toMatchObject({ code: 0 });
      await rows(`INSERT INTO users (id) VALUES (1); INSERT INTO users (id, email) VALUES (2, 'b@x')`);
      await fixture.deploy(R2);
      await rows(`INSERT INTO users (id, email) VALUES (3, 'c@x'); INSERT INTO users (id, addr) VALUES (4, 'd@x')`);
      expect(await rows('SELECT email, addr FROM users ORDER BY id')).toEqual(
        ['second', 'b@x', 'c@x', 'd@x'].map((value) => ({ email: value, addr: value })),
      );
    });
  });

  const code = (statement: string): string =>
    `import { alterType } from 'triphase'; export const up = async (knex) => { ${statement}; }; export const down = async () => undefined;`;

  describe('what the sync was not written for is refused in the transaction that does it', () => {
    test.each([
      [
        'a type that compares otherwise',
        `await alterType(knex, { on: '"public"."users"', column: 'email', type: 'numeric' })`,
        'after phase 3',
      ],
      [
        'a default of one partition',
        `await knex.raw('ALTER TABLE users_1 ALTER COLUMN email SET DEFAULT 5')`,
        'ALTER TABLE public.users_1 ALTER COLUMN "email" DROP DEFAULT;',
      ],
    ])('%s', async (_what, sql, remedy) => {
      await phase1(`CREATE TABLE users (id int PRIMARY KEY, email int) PARTITION BY RANGE (id);
        CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (100)`);
      const refused = await between(code(sql), '1.1.5', 'mjs');
      expect(refused).toMatchObject({ code: 4, json: { error: { code: 'PH2018' } } });
      expect(refused.json.error.remedy).toContain(remedy);
      const [, passing = ''] = refused.json.error.remedy.match(/phase (resolve \S+ --applied)/) ?? [];
      await fixture.project.json(...passing.split(' '));
      await fixture.deploy(R2);
      await fixture.deploy(R3);
    });
  });

  test.each([
    ['ALTER TYPE', 'ALTER TABLE users ALTER COLUMN email TYPE varchar(90)', 'alterType(knex'],
    ['DROP COLUMN', 'ALTER TABLE users DROP COLUMN addr', 'phase 3 drops the old column'],
  ])('what PostgreSQL refuses because of the sync is said, with the way that there is: %s', async (_what, sql, way) => {
    await phase1('CREATE TABLE users (id int PRIMARY KEY, email varchar(20))');
    const refused = await between(sql);
    expect(refused).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2018', remedy: expect.stringContaining(way) } },
    });
    const [id = ''] = refused.json.error.remedy.match(/(?<=phase resolve )\S+/) ?? [];
    await fixture.project.json('resolve', id, '--applied');
    await fixture.deploy(R2);
  });

  test('a sequence that was given to the old column goes with it', async () => {
    await phase1('CREATE TABLE users (id int PRIMARY KEY, email int)');
    expect(
      await between(
        `CREATE SEQUENCE numbers OWNED BY users.email; ALTER TABLE users ALTER COLUMN email SET DEFAULT nextval('numbers')`,
      ),
    ).toMatchObject({ code: 0 });
    await rows('INSERT INTO users (id) VALUES (1)');
    await fixture.deploy(R2);
    await rows('INSERT INTO users (id) VALUES (2)');
    await fixture.deploy(R3);
    await rows('INSERT INTO users (id) VALUES (3)');
    expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual([{ addr: 1 }, { addr: 2 }, { addr: 3 }]);
    expect(await rows(`SELECT pg_get_serial_sequence('users', 'addr') AS owned`)).toEqual([
      { owned: 'public.numbers' },
    ]);
  });

  describe('what somebody drops in between holds nothing up, and does not come back', () => {
    const HANGING = `CREATE TABLE countries (code text PRIMARY KEY); INSERT INTO countries VALUES ('x');
      CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE REFERENCES countries, note text);
      CREATE TABLE visits (email text REFERENCES users (email)); CREATE VIEW people AS SELECT id, email FROM users;
      ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (email = current_user OR true);
      CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER watched BEFORE UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION nothing();
      INSERT INTO users VALUES (1, 'x')`;
    const DROPPED = `DROP TABLE visits; DROP VIEW people; DROP POLICY own ON users; DROP TRIGGER watched ON users;
      ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_fkey, DROP CONSTRAINT IF EXISTS users_email_fkey_triphase, DROP CONSTRAINT users_pkey`;
    const LEFT = `SELECT to_regclass('people') AS view, to_regclass('visits') AS reference, (SELECT max(polname) FROM pg_policy) AS policy,
        (SELECT max(tgname) FROM pg_trigger WHERE tgname ~ 'watched') AS trigger,
        (SELECT max(conname) FROM pg_constraint WHERE contype IN ('f', 'p') AND conrelid = 'users'::regclass) AS key`;
    test.each(['1.1.5', '1.2.5'])(
      'in %s: a view, a policy, keys, a trigger, a table that references it',
      async (release) => {
        await phase1(HANGING);
        if (release === '1.2.5') await fixture.deploy(R2);
        expect(await between(DROPPED, release)).toMatchObject({ code: 0 });
        if (release === '1.1.5') await fixture.deploy(R2);
        await fixture.deploy(R3);
        expect(await rows(LEFT)).toEqual([{ view: null, reference: null, policy: null, trigger: null, key: null }]);
      },
    );
  });

  test('what phase 2 has bound to the new column, and a script makes anew on the old one, is bound to it again', async () => {
    const VIEW = 'CREATE OR REPLACE VIEW people AS SELECT id, email FROM users';
    const FIND = `CREATE OR REPLACE FUNCTION find(t text) RETURNS int LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM users WHERE email = t; END`;
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'x'); ${VIEW}; ${FIND}; CREATE TABLE seen (what text);
      CREATE MATERIALIZED VIEW kept AS SELECT email FROM users; ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (email <> '');
      CREATE RULE noted AS ON INSERT TO seen DO ALSO UPDATE users SET email = NEW.what WHERE id = 2`);
    await fixture.deploy(R2);
    await rows(`${VIEW}; ${FIND}; DROP MATERIALIZED VIEW kept; CREATE MATERIALIZED VIEW kept AS SELECT email FROM users; ALTER POLICY own ON users USING (email <> 'y');
      CREATE OR REPLACE RULE noted AS ON INSERT TO seen DO ALSO UPDATE users SET email = NEW.what WHERE id = 1`);
    await fixture.deploy(R3);
    await rows(`INSERT INTO seen VALUES ('z'); REFRESH MATERIALIZED VIEW kept`);
    expect(
      await rows(
        `SELECT people.email AS view, kept.email AS kept, find('z') AS id, pg_get_expr(polqual, polrelid) AS policy FROM people, kept, pg_policy`,
      ),
    ).toEqual([{ view: 'z', kept: 'z', id: 1, policy: `(addr <> 'y'::text)` }]);
  });

  test('comments that indexes and constraints get in between are there after phase 3', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text, CONSTRAINT once UNIQUE (email), CONSTRAINT short CHECK (length(email) < 9));
      CREATE INDEX lowered ON users (lower(email)); COMMENT ON INDEX lowered IS 'before'`);
    await rows(`COMMENT ON INDEX lowered IS 'it''s'; COMMENT ON CONSTRAINT short ON users IS 'y'`);
    await fixture.deploy(R2);
    await rows(`COMMENT ON CONSTRAINT once ON users IS 'z'; COMMENT ON INDEX once IS 'w'`);
    await fixture.deploy(R3);
    expect(
      await rows(
        `SELECT obj_description('lowered'::regclass) AS index, obj_description('once'::regclass) AS once, (SELECT json_object_agg(conname, obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE conname IN ('once', 'short')) AS constraints`,
      ),
    ).toEqual([{ index: `it's`, once: 'w', constraints: { once: 'z', short: 'y' } }]);
  });

  test('what PostgreSQL drops no column with cannot be acknowledged, and the refusal does not say so', async () => {
    await phase1('CREATE TABLE users (id int PRIMARY KEY, email text)');
    await fixture.deploy(R2);
    await rows('CREATE VIEW people AS SELECT email FROM users');
    const contract = () => fixture.project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
    const refused = await contract();
    expect([refused.json.error.code, refused.json.error.details.blocking]).toEqual(['PH2008', ['view public.people']]);
    expect(refused.json.error.remedy).not.toContain('acknowledge');
    const named = ['acknowledge', 'users_email_to_addr', 'view public.people', '--why', 'nobody reads it', '--json'];
    expect((await fixture.project.phase(...named)).json.error.code).toBe('PH1031');
    await rows('CREATE INDEX by_email ON users (email)');
    expect((await contract()).json.error.remedy).toContain('index "by_email"');
    await rows('DROP INDEX by_email; CREATE OR REPLACE VIEW people AS SELECT addr AS email FROM users');
    await fixture.deploy(R3);
  });

  describe('what is dropped from the old column restricts the new one no longer', () => {
    const RESTRICTED = `CREATE TABLE countries (code text PRIMARY KEY); INSERT INTO countries VALUES ('x');
      CREATE TABLE users (id int PRIMARY KEY, email text, CONSTRAINT short CHECK (length(email) < 3), CONSTRAINT once UNIQUE (email), CONSTRAINT known FOREIGN KEY (email) REFERENCES countries);
      CREATE UNIQUE INDEX lowered ON users (lower(email)); INSERT INTO users VALUES (1, 'x')`;
    const ALL = `ALTER TABLE users DROP CONSTRAINT short, DROP CONSTRAINT once, DROP CONSTRAINT known; DROP INDEX lowered`;
    test.each(['by a migration', 'by hand'])('%s', async (way) => {
      await phase1(RESTRICTED);
      if (way === 'by hand') {
        await rows(ALL);
        await fixture.project.json('migrate', '--release', R1);
      } else expect(await between(ALL)).toMatchObject({ code: 0 });
      await rows(`INSERT INTO users VALUES (2, 'long'); INSERT INTO users VALUES (3, 'long')`);
      await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect(await rows('SELECT addr FROM users WHERE id > 1')).toEqual([{ addr: 'long' }, { addr: 'long' }]);
    });

    test('but what was only given another name stays', async () => {
      await phase1(RESTRICTED);
      await between('ALTER TABLE users RENAME CONSTRAINT short TO brief; ALTER INDEX lowered RENAME TO lower');
      await fixture.deploy(R2);
      await expect(rows(`INSERT INTO users (id, addr) VALUES (2, 'long')`)).rejects.toThrow(/short_triphase|brief/);
      expect(await rows(`SELECT 1 FROM pg_indexes WHERE indexname = 'lowered_triphase'`)).toHaveLength(1);
    });
  });

  describe('what is made anew under its name is made anew on the new column, too', () => {
    const MADE = `CREATE TABLE users (id int PRIMARY KEY, email text, note text, CONSTRAINT short CHECK (length(email) < 3));
      CREATE INDEX by_email ON users (email); CREATE UNIQUE INDEX once ON users (email); INSERT INTO users VALUES (1, 'x')`;
    const ANEW = `ALTER TABLE users DROP CONSTRAINT short, ADD CONSTRAINT short CHECK (length(email) < 9);
      DROP INDEX by_email, once; CREATE INDEX by_email ON users (lower(email)); CREATE UNIQUE INDEX once ON users (email, note)`;
    const left = async (): Promise<string[]> =>
      (
        await rows(`SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'short'
          UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'users'::regclass AND NOT indisprimary ORDER BY 1`)
      ).map(({ text }) => text);

    test.each([
      ['by a migration in phase 1', '1.1.5'],
      ['by one in phase 2', '1.2.5'],
      ['by hand', null],
    ])('%s', async (_when, release) => {
      await phase1(MADE);
      if (release === '1.2.5') await fixture.deploy(R2);
      if (release === null) {
        await rows(ANEW);
        await fixture.deploy(R2);
      } else expect(await between(ANEW, release)).toMatchObject({ code: 0 });
      await rows(`INSERT INTO users VALUES (2, 'longer', 'a'); INSERT INTO users VALUES (3, 'longer', 'b')`);
      if (release === '1.1.5') await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect(await left()).toEqual([
        'CHECK ((length(addr) < 9))',
        'CREATE INDEX by_email ON public.users USING btree (lower(addr))',
        'CREATE UNIQUE INDEX once ON public.users USING btree (addr, note)',
      ]);
    });
  });

  describe('also where it was gone in between, and the twin with it', () => {
    const MADE = `CREATE TABLE users (id int PRIMARY KEY, email text, CONSTRAINT short CHECK (length(email) < 3)); CREATE UNIQUE INDEX once ON users (email);
      INSERT INTO users VALUES (1, 'x')`;
    const AFTER = `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'short' UNION ALL SELECT indexdef FROM pg_indexes WHERE indexname = 'once'`;
    const made = [
      { text: 'CHECK ((length(addr) < 9))' },
      { text: 'CREATE UNIQUE INDEX once ON public.users USING btree (lower(addr))' },
    ];

    test('in another statement of a migration outside a transaction, the new column has its index at any time', async () => {
      await phase1(MADE);
      await fixture.deploy(R2);
      const sql = `-- phase:no-transaction\nDROP INDEX CONCURRENTLY once;\nALTER TABLE users DROP CONSTRAINT short;
        CREATE TABLE seen AS SELECT indexname FROM pg_indexes WHERE indexname = 'once_triphase';
        ALTER TABLE users ADD CONSTRAINT short CHECK (length(email) < 9);\nCREATE UNIQUE INDEX CONCURRENTLY once ON users (lower(email));`;
      expect(await between(sql, '1.2.5')).toMatchObject({ code: 0 });
      expect(await rows('SELECT * FROM seen')).toEqual([{ indexname: 'once_triphase' }]);
      await fixture.deploy(R3);
      expect(await rows(AFTER)).toEqual(made);
    });

    test('in another migration', async () => {
      await phase1(MADE);
      expect(await between('DROP INDEX once; ALTER TABLE users DROP CONSTRAINT short')).toMatchObject({ code: 0 });
      expect(await rows(`SELECT 1 FROM pg_indexes WHERE indexname = 'once_triphase'`)).toEqual([]);
      const anew =
        'CREATE UNIQUE INDEX once ON users (lower(email)); ALTER TABLE users ADD CONSTRAINT short CHECK (length(email) < 9)';
      expect(await between(anew, '1.1.6')).toMatchObject({ code: 0 });
      await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect(await rows(AFTER)).toEqual(made);
    });
  });

  test('a check that was made anew by hand and that rows violate on the new column stops phase 3', async () => {
    await phase1(
      `CREATE TABLE users (id int PRIMARY KEY, email text, CONSTRAINT short CHECK (length(email) < 9)); INSERT INTO users VALUES (1, 'x')`,
    );
    await rows(`ALTER TABLE users DROP CONSTRAINT short, ADD CONSTRAINT short CHECK (length(email) < 3)`);
    await rows(
      `ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET addr = 'longer'; ALTER TABLE users ENABLE TRIGGER USER`,
    );
    const stopped = await fixture.project.phase('migrate', '--release', R2, '--json');
    expect(stopped.code).not.toBe(0);
    expect(stopped.json.error.message).toContain('short_triphase');
    await rows('UPDATE users SET addr = addr WHERE email IS DISTINCT FROM addr; UPDATE users SET email = email');
    await rows(
      'ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET addr = email; ALTER TABLE users ENABLE TRIGGER USER',
    );
    await fixture.deploy(R2);
    await fixture.deploy(R3);
  });

  test('an old column that somebody has dropped is brought back by the statements of the refusal', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text, note text); INSERT INTO users VALUES (1, 'a@x')`);
    await rows('ALTER TABLE users DROP COLUMN email CASCADE');
    const { project } = fixture;
    const refused = await project.phase('migrate', '--release', R2, '--json');
    expect(refused.json.error.code).toBe('PH2018');
    const [add, forget, fill] =
      refused.json.error.remedy.match(/ALTER TABLE [^;]*;|DELETE FROM [^;]*;|UPDATE [^;]*;/g) ?? [];
    await rows(`${add} ${forget}`);
    const files = Object.entries(project.files()).filter(([path]) => /db\/triggers\/.*_v01\.sql$/.test(path));
    const first = files.filter(([, content]) => /phase_1/.test(content));
    for (const [, content] of first) await rows(content);
    await rows(fill ?? '');
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows('SELECT addr FROM users')).toEqual([{ addr: 'a@x' }]);
  });

  test.each(['', ' PARTITION BY RANGE (id)'])('what was not made anew is left alone%s', async (partitioned) => {
    const parts =
      partitioned === ''
        ? ''
        : 'CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (9); CREATE TABLE users_2 PARTITION OF users FOR VALUES FROM (9) TO (20);';
    await phase1(`CREATE FUNCTION fine(t text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN t <> 'no';
      CREATE TABLE users (id int PRIMARY KEY, email text, "Note" text, CONSTRAINT short CHECK (length(email) < 90), CONSTRAINT fine CHECK (fine(email) AND email <> "Note"))${partitioned};
      ${parts} ALTER TABLE users ADD CONSTRAINT later CHECK (email <> 'x') NOT VALID;
      CREATE INDEX ON users (email) INCLUDE (id) WITH (fillfactor = 70) WHERE email IS NOT NULL; CREATE INDEX ON users (lower(email) DESC NULLS LAST, email COLLATE "C" text_pattern_ops);
      CREATE INDEX ON users USING hash (email); CREATE INDEX ON users USING gin (to_tsvector('simple', email)); CREATE INDEX ON users USING brin (email, id);
      CREATE UNIQUE INDEX ON users (id, email); CREATE INDEX ON users (("Note" || email)) WHERE email LIKE 'a%'; INSERT INTO users VALUES (1, 'a', 'b')`);
    for (const release of [R2, R3]) {
      for (const command of [['migrate', '--release', release], ['finish']]) {
        const ran = await fixture.project.phase(...command, '--straggler-window', '0');
        expect([ran.code, ran.stdout + ran.stderr]).toEqual([0, expect.not.stringMatching(/made anew/)]);
      }
    }
  });

  test('a check that was made anew as not valid need not be valid on the new column either', async () => {
    await phase1(
      `CREATE TABLE users (id int PRIMARY KEY, email text, CONSTRAINT short CHECK (length(email) < 9)); INSERT INTO users VALUES (1, 'x')`,
    );
    await rows('ALTER TABLE users DROP CONSTRAINT short');
    await fixture.deploy(R1);
    await rows(
      `UPDATE users SET email = 'much too long'; ALTER TABLE users ADD CONSTRAINT short CHECK (length(email) < 3) NOT VALID`,
    );
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows(`SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'short'`)).toEqual([
      { text: 'CHECK ((length(addr) < 3)) NOT VALID' },
    ]);
  });

  test('an index that was dropped, noticed, and made otherwise by hand is made so on the new column', async () => {
    await phase1(
      `CREATE TABLE users (id int PRIMARY KEY, email text); CREATE UNIQUE INDEX once ON users (email); INSERT INTO users VALUES (1, 'x')`,
    );
    await rows('DROP INDEX once');
    await fixture.deploy(R1);
    await rows(`INSERT INTO users VALUES (2, 'x'); CREATE INDEX once ON users (email)`);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows(`SELECT indexdef FROM pg_indexes WHERE indexname = 'once'`)).toEqual([
      { indexdef: 'CREATE INDEX once ON public.users USING btree (addr)' },
    ]);
  });

  test('what a killed backfill has left is not taken for a trigger of the application', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'x')`);
    await rows(`CREATE FUNCTION phase.exact_12345678() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.addr := OLD.email; RETURN NEW; END';
      CREATE TRIGGER zz_exact_12345678 BEFORE UPDATE ON users FOR EACH ROW WHEN (false) EXECUTE FUNCTION phase.exact_12345678()`);
    await fixture.deploy(R2);
  });

  test('a refresh refuses what names both columns, before anything is written', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'x')`);
    await fixture.deploy(R2);
    await rows('CREATE INDEX pair ON users (email, addr)');
    const flags = ['--refresh', 'users_email_to_addr', '--release', '1.2.9', '--yes', '--json'];
    const refused = await fixture.project.phase('new', 'rename-column', ...flags);
    expect([refused.code, refused.json.error.code, refused.json.error.message]).toEqual([
      4,
      'PH2001',
      expect.stringContaining('"pair"'),
    ]);
    await rows('DROP INDEX pair');
    await fixture.deploy(R3);
  });

  describe.each([1, 2])(
    'a key, a constraint or statistics that are made anew as something else in phase %i are so after phase 3',
    (phase) => {
      const NAMES = 'CREATE TABLE names (email text PRIMARY KEY); CREATE TABLE others (email text PRIMARY KEY);';
      test.each(
        [
          [
            'a unique constraint',
            'CONSTRAINT one UNIQUE (email)',
            'CONSTRAINT one UNIQUE (email, id)',
            'UNIQUE (addr, id)',
          ],
          [
            'one that waits',
            'CONSTRAINT one UNIQUE (email)',
            'CONSTRAINT one UNIQUE (email) DEFERRABLE INITIALLY DEFERRED',
            'UNIQUE (addr) DEFERRABLE INITIALLY DEFERRED',
          ],
          [
            'a primary key',
            'CONSTRAINT one PRIMARY KEY (email)',
            'CONSTRAINT one PRIMARY KEY (email, id)',
            'PRIMARY KEY (addr, id)',
          ],
          [
            'one without the column',
            'CONSTRAINT one PRIMARY KEY (email)',
            'CONSTRAINT one PRIMARY KEY (id)',
            'PRIMARY KEY (id)',
          ],
          [
            'an exclusion constraint',
            'CONSTRAINT one EXCLUDE (email WITH =)',
            'CONSTRAINT one EXCLUDE (email WITH =, id WITH =)',
            'EXCLUDE USING btree (addr WITH =, id WITH =)',
          ],
          ...(phase === 1
            ? [
                [
                  'a foreign key',
                  'CONSTRAINT one FOREIGN KEY (email) REFERENCES names',
                  'CONSTRAINT one FOREIGN KEY (email) REFERENCES others ON DELETE CASCADE',
                  'FOREIGN KEY (addr) REFERENCES others(email) ON DELETE CASCADE',
                ],
              ]
            : []),
        ].filter(([what]) => phase === 1 || what === 'a unique constraint'),
      )('%s', async (_what, before, after, expected) => {
        await phase1(
          `${NAMES} CREATE TABLE users (id int NOT NULL, email text NOT NULL); INSERT INTO names VALUES ('x'); INSERT INTO others VALUES ('x'); INSERT INTO users VALUES (1, 'x'); ALTER TABLE users ADD ${before}`,
        );
        if (phase === 2) await fixture.deploy(R2);
        await rows(`ALTER TABLE users DROP CONSTRAINT one, ADD ${after}`);
        if (phase === 1) await fixture.deploy(R2);
        await fixture.deploy(R3);
        expect(
          await rows(
            `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype <> 'n'`,
          ),
        ).toEqual([{ text: expected }]);
      });

      test('a key that references the column, and statistics', async () => {
        await phase1(
          `CREATE TABLE users (id int NOT NULL, email text UNIQUE); CREATE TABLE posts (author text CONSTRAINT of REFERENCES users (email)); CREATE STATISTICS both_of ON id, email FROM users`,
        );
        if (phase === 2) await fixture.deploy(R2);
        await rows(`ALTER TABLE posts DROP CONSTRAINT of, ADD CONSTRAINT of FOREIGN KEY (author) REFERENCES users (email) ON DELETE CASCADE;
        DROP STATISTICS both_of; CREATE STATISTICS both_of (ndistinct) ON id, email FROM users`);
        if (phase === 1) await fixture.deploy(R2);
        await fixture.deploy(R3);
        expect(
          await rows(
            `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'of' UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext`,
          ),
        ).toEqual([
          { text: 'FOREIGN KEY (author) REFERENCES users(addr) ON DELETE CASCADE' },
          { text: 'CREATE STATISTICS public.both_of (ndistinct) ON id, addr FROM users' },
        ]);
      });
    },
  );

  test('a trigger that is made anew as something else stops the next phase until it is taken back or acknowledged', async () => {
    const mine = (what: string): string =>
      `CREATE TRIGGER mine ${what} OF email ON users FOR EACH ROW EXECUTE FUNCTION f()`;
    await phase1(
      `CREATE TABLE users (id int PRIMARY KEY, email text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ${mine('BEFORE UPDATE')}`,
    );
    await rows(`DROP TRIGGER mine ON users; ${mine('AFTER INSERT OR UPDATE')}`);
    const refused = await fixture.project.phase('migrate', '--release', R2, '--json');
    expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2008']);
    const object = 'trigger mine of public.users, which was made anew and would be set back';
    expect(refused.json.error.message).toContain(object);
    await fixture.project.json('acknowledge', 'users_email_to_addr', object, '--why', 'we make it again');
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows(`SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgname = 'mine'`)).toEqual([
      { text: 'CREATE TRIGGER mine BEFORE UPDATE OF addr ON public.users FOR EACH ROW EXECUTE FUNCTION f()' },
    ]);
  });

  describe('a generated column', () => {
    const GENERATED = `CREATE TABLE users (id int PRIMARY KEY, note text, email text GENERATED ALWAYS AS (lower(note)) STORED); INSERT INTO users VALUES (1, 'A'), (2, 'B')`;
    const changed = async (alter: (column: string) => string, way: string): Promise<void> => {
      await phase1(GENERATED);
      const refused = await between(`ALTER TABLE users ${alter('addr')}`);
      expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2018']);
      expect(refused.json.error.message + refused.json.error.remedy).toContain(way);
      expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual([{ addr: 'a' }, { addr: 'b' }]);
    };

    test('is no generated column any more on one side, which is refused; phase 3 leads on', async () => {
      await changed((column) => `ALTER COLUMN ${column} DROP EXPRESSION`, 'Leave DROP EXPRESSION until phase 3');
    });

    test('by hand, on both sides: undoing the rename leads on', async () => {
      await phase1(GENERATED);
      await rows('ALTER TABLE users ALTER email DROP EXPRESSION, ALTER addr DROP EXPRESSION');
      const refused = await fixture.project.phase('migrate', '--release', R2, '--json');
      expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2018']);
      await fixture.project.json('rollback', '--steps', '3');
      expect(await rows('SELECT * FROM users ORDER BY id LIMIT 1')).toEqual([{ id: 1, note: 'A', email: 'a' }]);
    });

    const set = (column: string): string => `ALTER COLUMN ${column} SET EXPRESSION AS (upper(note))`;
    // SET EXPRESSION came with 17.
    const has17 = async (): Promise<boolean> =>
      (await rows(`SELECT current_setting('server_version_num')::int >= 170000 AS since`))[0]?.since === true;

    test('is generated otherwise on one side, which is refused', async () => {
      await phase1(GENERATED);
      if (!(await has17())) return;
      await fixture.remove();
      await changed(set, `ALTER TABLE ... ${set('email')}, ALTER COLUMN addr SET`);
    });

    test('is generated otherwise on both', async () => {
      await phase1(GENERATED);
      if (!(await has17())) return;
      expect(await between(`ALTER TABLE users ${set('email')}, ${set('addr')}`)).toMatchObject({ code: 0 });
      await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual([{ addr: 'A' }, { addr: 'B' }]);
    });
  });

  test('an index over the columns of two renames is left to both', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: 'CREATE TABLE users (id int PRIMARY KEY, email text, name text)',
      from: 'email',
      to: 'addr',
      cut: [],
    });
    const flags = ['--table', 'users', '--from', 'name', '--to', 'label', '--releases', `${R1},${R2},${R3}`, '--yes'];
    await fixture.project.json('new', 'rename-column', ...flags);
    for (const release of [R1, R2, R3]) await fixture.project.json('release', 'cut', release);
    await fixture.deploy(R1);
    expect(await between('CREATE INDEX shared ON users (email, name)')).toMatchObject({ code: 0 });
    await fixture.deploy(R2);
    for (const rename of ['users_email_to_addr', 'users_name_to_label']) {
      await fixture.project.json('acknowledge', rename, 'index "shared"', '--why', 'made anew afterwards');
    }
    await fixture.deploy(R3);
    expect(await rows(`SELECT indexdef FROM pg_indexes WHERE indexname = 'shared'`)).toEqual([]);
  });

  test.each(['DROP TABLE users CASCADE', 'ALTER TABLE users DROP COLUMN addr CASCADE'])(
    'undoing leads on after %s, as the refusal says',
    async (sql) => {
      await phase1(
        `CREATE TABLE users (id int PRIMARY KEY, email text, note text); INSERT INTO users VALUES (1, 'a@x')`,
      );
      await rows(sql);
      const { project } = fixture;
      const refused = await project.phase('migrate', '--release', R2, '--json');
      expect([refused.json.error.code, refused.json.error.remedy]).toEqual([
        'PH2018',
        expect.stringContaining('phase rollback'),
      ]);
      const { reverted } = await project.json('rollback', '--steps', '3');
      expect(reverted).toHaveLength(3);
    },
  );

  test('the new column stays while it holds the only values: undoing phase 1 is refused', async () => {
    await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text, note text); INSERT INTO users VALUES (1, 'a@x')`);
    await fixture.database.sql('ALTER TABLE users DROP COLUMN email CASCADE');
    const undone = await fixture.project.phase('rollback', '--release', R1, '--steps', '9', '--json');
    expect(undone.code).not.toBe(0);
    expect(await rows('SELECT addr FROM users')).toEqual([{ addr: 'a@x' }]);
  });
});
