import { afterEach, describe, expect } from '@jest/globals';
import { migrateBetween, pairAtPhase1 } from '../support/pair-fixture.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';
import { type Write, Writers } from '../support/writers.ts';

onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());

  const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, email text, note text); INSERT INTO users VALUES (1, 'a@x')`;

  /** A rename of users.email to addr whose releases are cut, migrated to its first phase. */
  async function phase1(schema = SCHEMA): Promise<void> {
    fixture = await pairAtPhase1(server(), schema);
  }

  const migration = (sql: string, release = '1.1.5') => migrateBetween(fixture, release, sql);

  const rows = (sql: string) => fixture.database.sql(sql);

  describe('a default that a migration gives one of the columns stands on both, and no write of a living release is lost', () => {
    test.each(['addr', 'email'])('in phase 1, on %s', async (column) => {
      await phase1();
      expect((await migration(`ALTER TABLE users ALTER COLUMN ${column} SET DEFAULT 'unknown'`)).code).toBe(0);
      await rows(`INSERT INTO users (id, email) VALUES (2, 'b@x'); INSERT INTO users (id) VALUES (3)`);
      expect(await rows('SELECT email, addr FROM users WHERE id > 1 ORDER BY id')).toEqual([
        { email: 'b@x', addr: 'b@x' },
        { email: 'unknown', addr: 'unknown' },
      ]);
      await fixture.deploy(R2);
      await rows(
        `INSERT INTO users (id, email) VALUES (4, 'd@x'); INSERT INTO users (id, addr) VALUES (5, 'e@x'); INSERT INTO users (id) VALUES (6)`,
      );
      expect(await rows('SELECT email, addr FROM users WHERE id > 3 ORDER BY id')).toEqual([
        { email: 'd@x', addr: 'd@x' },
        { email: 'e@x', addr: 'e@x' },
        { email: 'unknown', addr: 'unknown' },
      ]);
      await fixture.deploy(R3);
      await rows('INSERT INTO users (id) VALUES (7)');
      expect(await rows('SELECT addr FROM users WHERE id = 7')).toEqual([{ addr: 'unknown' }]);
    });

    test.each(['addr', 'email'])('in phase 2, on %s', async (column) => {
      await phase1();
      await fixture.deploy(R2);
      expect((await migration(`ALTER TABLE users ALTER COLUMN ${column} SET DEFAULT 'unknown'`, '1.2.5')).code).toBe(0);
      await rows(`INSERT INTO users (id, email) VALUES (2, 'b@x'); INSERT INTO users (id, addr) VALUES (3, 'c@x')`);
      expect(await rows('SELECT email, addr FROM users WHERE id > 1 ORDER BY id')).toEqual([
        { email: 'b@x', addr: 'b@x' },
        { email: 'c@x', addr: 'c@x' },
      ]);
    });

    test.each([
      ['another constant', `'one'`, `'two'`],
      ['one that gives each row another value', `'one'`, 'gen_random_uuid()::text'],
      ['a constant instead of one that gives each row another value', 'gen_random_uuid()::text', `'two'`],
    ])('also %s', async (_what, before, after) => {
      await phase1(`CREATE TABLE users (id int PRIMARY KEY, email text DEFAULT ${before})`);
      await migration(`ALTER TABLE users ALTER COLUMN email SET DEFAULT ${after}`);
      const writes = (column: string, id: number) =>
        rows(`INSERT INTO users (id, ${column}) VALUES (${id}, 'given'); INSERT INTO users (id) VALUES (${id + 1})`);
      await writes('email', 1);
      await fixture.deploy(R2);
      await writes('email', 3);
      await writes('addr', 5);
      expect(
        await rows(`SELECT id FROM users WHERE email IS DISTINCT FROM addr OR (id % 2 = 1) <> (addr = 'given')`),
      ).toEqual([]);
      await fixture.deploy(R3);
      const [left] = await rows(
        `SELECT column_default AS "default" FROM information_schema.columns WHERE column_name = 'addr'`,
      );
      expect(left.default).toContain(after.replace('::text', ''));
    });
  });

  test('DROP NOT NULL and DROP DEFAULT in phase 1 are followed, and phase 3 brings neither back', async () => {
    await phase1(
      `CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL DEFAULT 'none'); INSERT INTO users (id) VALUES (1)`,
    );
    await migration('ALTER TABLE users ALTER COLUMN email DROP NOT NULL, ALTER COLUMN email DROP DEFAULT');
    await rows('INSERT INTO users (id, email) VALUES (2, NULL); INSERT INTO users (id) VALUES (3)');
    expect(await rows('SELECT count(*)::int AS rows FROM users WHERE email IS NULL AND addr IS NULL')).toEqual([
      { rows: 2 },
    ]);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(
      await rows(
        `SELECT is_nullable, column_default FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'addr'`,
      ),
    ).toEqual([{ is_nullable: 'YES', column_default: null }]);
  });

  test('DROP NOT NULL of a partition alone is followed there, by either name', async () => {
    await phase1(`CREATE TABLE users (id int, email text) PARTITION BY RANGE (id); CREATE TABLE low PARTITION OF users FOR VALUES FROM (0) TO (9);
      CREATE TABLE high PARTITION OF users FOR VALUES FROM (9) TO (99); ALTER TABLE low ALTER email SET NOT NULL; ALTER TABLE high ALTER email SET NOT NULL`);
    const nullable = () =>
      rows(
        `SELECT attrelid::regclass::text || '.' || attname AS column FROM pg_attribute WHERE attname IN ('email', 'addr') AND NOT attnotnull AND attrelid IN ('low'::regclass, 'high'::regclass) ORDER BY 1`,
      );
    expect(await nullable()).toEqual([]);
    await migration('ALTER TABLE low ALTER COLUMN email DROP NOT NULL');
    await rows('INSERT INTO users (id, email) VALUES (1, NULL)');
    await fixture.deploy(R2);
    await rows('ALTER TABLE high ALTER COLUMN addr DROP NOT NULL');
    expect((await fixture.project.json('status')).renames[0].altered).toEqual([
      expect.stringMatching(/NOT NULL of addr, which email will follow, on .*high/),
    ]);
    await fixture.project.json('migrate', '--release', R2);
    expect(await nullable()).toEqual(
      ['high.addr', 'high.email', 'low.addr', 'low.email'].map((column) => ({ column })),
    );
    await fixture.deploy(R3);
    expect(await nullable()).toEqual([{ column: 'high.addr' }, { column: 'low.addr' }]);
  });

  test('a sequence that is given to one of the columns in between stays, whichever is dropped', async () => {
    await phase1();
    await rows('CREATE SEQUENCE given OWNED BY users.addr');
    await fixture.project.json('rollback', '--steps', '3');
    await rows('CREATE SEQUENCE other OWNED BY users.email');
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    expect(
      await rows(
        `SELECT pg_get_serial_sequence('users', 'addr') AS owned, nextval('given')::int, nextval('other')::int AS other`,
      ),
    ).toEqual([{ owned: expect.stringContaining('public.'), nextval: 1, other: 1 }]);
  });

  test('a NOT NULL that the old column gets in between is there on the new one before phase 2', async () => {
    await phase1();
    await migration('ALTER TABLE users ALTER COLUMN email SET NOT NULL');
    await fixture.deploy(R2);
    expect(
      await rows(`SELECT attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'addr'`),
    ).toEqual([{ attnotnull: true }]);
    await fixture.deploy(R3);
  });

  test('a NOT NULL that was dropped while phase 1 had not come to its constraints is not made', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL); INSERT INTO users VALUES (1, 'a')`,
      from: 'email',
      to: 'addr',
    });
    await rows('ALTER TABLE users ALTER COLUMN email DROP NOT NULL; INSERT INTO users VALUES (2, NULL)');
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    expect(await rows('SELECT count(*)::int AS rows FROM users WHERE addr IS NULL')).toEqual([{ rows: 1 }]);
  });

  test('comment, privileges, storage and statistics target follow from whichever column was altered', async () => {
    await phase1();
    await rows('CREATE ROLE reader_of_addr');
    try {
      await migration(`COMMENT ON COLUMN users.email IS 'where mail goes'; GRANT SELECT (addr) ON users TO reader_of_addr;
      ALTER TABLE users ALTER COLUMN email SET STORAGE EXTERNAL, ALTER COLUMN addr SET STATISTICS 7`);
      expect(
        await rows(`SELECT attname, col_description(attrelid, attnum) AS comment, attacl::text ~ 'reader_of_addr' AS granted, attstorage, attstattarget
        FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname IN ('email', 'addr') ORDER BY attname`),
      ).toEqual([
        { attname: 'addr', comment: 'where mail goes', granted: true, attstorage: 'e', attstattarget: 7 },
        { attname: 'email', comment: 'where mail goes', granted: true, attstorage: 'e', attstattarget: 7 },
      ]);
    } finally {
      await rows('DROP OWNED BY reader_of_addr; DROP ROLE reader_of_addr');
    }
  });

  test('what was altered by hand is followed by the next command, before anything runs', async () => {
    await phase1();
    await rows(
      `ALTER TABLE users ALTER COLUMN addr SET DEFAULT 'unknown'; ALTER TABLE users DISABLE TRIGGER "00_sync_users_email_phase_1"`,
    );
    expect((await fixture.project.json('status')).renames).toMatchObject([
      { altered: ['default of addr, which email will follow', expect.stringContaining('is missing or disabled')] },
    ]);
    expect((await fixture.project.phase('status')).stdout).toContain('altered by hand');
    await rows('ALTER TABLE users ENABLE TRIGGER "00_sync_users_email_phase_1"');
    await fixture.project.json('migrate', '--release', R1);
    expect((await fixture.project.json('status')).renames).toMatchObject([{ altered: [] }]);
    await rows(`INSERT INTO users (id, email) VALUES (2, 'b@x')`);
    expect(await rows('SELECT email, addr FROM users WHERE id = 2')).toEqual([{ email: 'b@x', addr: 'b@x' }]);
  });

  describe('by the statements of the refusal the columns come back', () => {
    const statements = (remedy: string): string[] => remedy.match(/ALTER TABLE [^;]+;/g) ?? [];
    const refused = () => fixture.project.phase('migrate', '--release', R1, '--json');

    test('when they have changed names', async () => {
      await phase1();
      await rows(
        'ALTER TABLE users RENAME email TO t; ALTER TABLE users RENAME addr TO email; ALTER TABLE users RENAME t TO addr',
      );
      const { error } = (await refused()).json;
      expect([error.code, statements(error.remedy).length]).toEqual(['PH2018', 3]);
      await rows(statements(error.remedy).join(' '));
      for (const release of [R2, R3]) await fixture.deploy(release);
    });

    test('when somebody has brought the rename to its end by hand', async () => {
      await phase1();
      await rows('ALTER TABLE users DROP COLUMN addr CASCADE; ALTER TABLE users RENAME email TO addr');
      const { error } = (await refused()).json;
      expect([error.code, error.remedy]).toEqual(['PH2018', expect.stringContaining('then undo')]);
      await rows(statements(error.remedy).join(' '));
      await fixture.project.json('rollback', '--steps', '3');
      for (const release of [R1, R2, R3]) await fixture.deploy(release);
    });
  });

  describe('a migration that alters the columns in a way that cannot be followed is refused, and leaves nothing', () => {
    test.each([
      ['renames the table', 'ALTER TABLE users RENAME TO people', 'ALTER TABLE "public"."people" RENAME TO "users"'],
      [
        'moves the table',
        'CREATE SCHEMA app; ALTER TABLE users SET SCHEMA app',
        'ALTER TABLE "app"."users" SET SCHEMA "public"',
      ],
      ['renames the old column', 'ALTER TABLE users RENAME email TO mail', 'RENAME COLUMN "mail" TO "email"'],
      ['renames the new column', 'ALTER TABLE users RENAME addr TO mail', 'RENAME COLUMN "mail" TO "addr"'],
      ['drops the new column', 'ALTER TABLE users DROP COLUMN addr CASCADE', 'phase rollback'],
      [
        'gives both columns defaults',
        `ALTER TABLE users ALTER email SET DEFAULT 'a', ALTER addr SET DEFAULT 'b'`,
        'Give both the same one',
      ],
      [
        'makes one an identity',
        'ALTER TABLE users ALTER COLUMN number SET NOT NULL, ALTER number ADD GENERATED ALWAYS AS IDENTITY',
        'after phase 3',
      ],
    ])('%s', async (what, sql, remedy) => {
      const isNumber = what.includes('identity');
      if (isNumber) {
        fixture = await renameFixture({
          server: server(),
          schema: 'CREATE TABLE users (id int PRIMARY KEY, number int NOT NULL)',
          from: 'number',
          to: 'no',
        });
        await fixture.deploy(R1);
      } else await phase1();
      const refused = await migration(sql);
      expect(refused).toMatchObject({
        code: 4,
        json: { applied: [], error: { code: 'PH2018', remedy: expect.stringContaining(remedy) } },
      });
      expect(
        await rows(
          `SELECT count(*)::int AS columns FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'users' AND column_default IS NULL`,
        ),
      ).toEqual([{ columns: isNumber ? 3 : 4 }]);
    });
  });

  test.each([
    ['ALTER TABLE users RENAME TO people', 'ALTER TABLE "public"."people" RENAME TO "users"'],
    ['CREATE SCHEMA app; ALTER TABLE users SET SCHEMA app', 'ALTER TABLE "app"."users" SET SCHEMA "public"'],
    ['ALTER TABLE users RENAME email TO mail', 'ALTER TABLE "public"."users" RENAME COLUMN "mail" TO "email"'],
  ])(
    'after %s by hand the next command says the statement that brings it back, and goes on from there',
    async (sql, back) => {
      await phase1();
      await rows(sql);
      expect((await fixture.project.json('status')).renames[0].altered).toEqual([`not in its place; back by ${back}`]);
      const refused = await fixture.project.phase('migrate', '--release', R2, '--json');
      expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2018']);
      expect(refused.json.error.remedy).toContain(`${back};`);
      await rows(back);
      await fixture.deploy(R2);
      await fixture.deploy(R3);
    },
  );

  test('a change that both the switch and the contract were scaffolded without survives their undoing', async () => {
    await phase1();
    await migration(`ALTER TABLE users ALTER COLUMN email SET DEFAULT 'late'`);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    await fixture.project.json('rollback', '--steps', '2');
    await rows(`INSERT INTO users (id, email) VALUES (2, 'b@x'); INSERT INTO users (id) VALUES (3)`);
    expect(await rows('SELECT email, addr FROM users WHERE id > 1 ORDER BY id')).toEqual([
      { email: 'b@x', addr: 'b@x' },
      { email: 'late', addr: 'late' },
    ]);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
  });

  test('a rename that an earlier version has begun is watched from the next run on', async () => {
    await phase1();
    await rows('DELETE FROM phase.pairs');
    await fixture.project.json('migrate', '--release', R1);
    expect(await rows('SELECT rename, phase FROM phase.pairs')).toEqual([{ rename: 'users_email_to_addr', phase: 1 }]);
  });

  describe('operations for migrations alter both columns at once', () => {
    const operation = (call: string) => `import { alterType, dropDefault, dropNotNull, setDefault } from 'triphase';
    export const up = async (knex) => { ${call} }; export const down = async () => undefined;`;

    const migrationOf = (call: string) => migrateBetween(fixture, '1.1.5', operation(call), 'mjs');

    test.each(['email', 'addr'])('by either name: %s', async (column) => {
      await phase1(`CREATE TABLE users (id int PRIMARY KEY, email varchar(20) NOT NULL DEFAULT 'none', note text);
      CREATE INDEX users_email ON users (email); INSERT INTO users (id) VALUES (1)`);
      const on = `{ on: '"public"."users"', column: '${column}'`;
      const calls = `await setDefault(knex, ${on}, expression: "'some'" }); await dropNotNull(knex, ${on} }); await alterType(knex, ${on}, type: 'varchar(40)' });`;
      expect(await migrationOf(calls)).toMatchObject({ code: 0 });
      await rows(
        `INSERT INTO users (id, email) VALUES (2, repeat('x', 40)); INSERT INTO users (id) VALUES (3); INSERT INTO users (id, email) VALUES (4, NULL)`,
      );
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
      await fixture.deploy(R2);
      await rows(
        `INSERT INTO users (id, addr) VALUES (5, repeat('y', 40)); INSERT INTO users (id, email) VALUES (6, repeat('z', 40))`,
      );
      await fixture.deploy(R3);
      expect(
        await rows(
          `SELECT column_default, is_nullable, character_maximum_length FROM information_schema.columns WHERE column_name = 'addr'`,
        ),
      ).toEqual([{ column_default: "'some'::character varying", is_nullable: 'YES', character_maximum_length: 40 }]);
      await fixture.project.json('rollback', '--steps', '1');
      await rows(`UPDATE users SET addr = repeat('w', 40) WHERE id = 1`);
      expect(await rows('SELECT id FROM users WHERE email IS DISTINCT FROM addr')).toEqual([]);
    });

    test('a type that PostgreSQL has to rewrite a large table for is refused', async () => {
      await phase1(
        `CREATE TABLE users (id int PRIMARY KEY, email int); INSERT INTO users SELECT n, n FROM generate_series(1, 1000) AS n`,
      );
      fixture.project.write('phase.config.ts', `export default { rewriteLimit: '8kB' }`);
      const call = `await alterType(knex, { on: '"public"."users"', column: 'email', type: 'bigint' });`;
      expect(await migrationOf(call)).toMatchObject({ code: 4, json: { error: { code: 'PH2013' } } });
    });

    test('a column that is not being renamed is altered alone', async () => {
      await phase1();
      await migrationOf(`await setDefault(knex, { on: '"public"."users"', column: 'note', expression: "'-'" });`);
      await rows('INSERT INTO users (id) VALUES (2)');
      expect(await rows('SELECT email, addr, note FROM users WHERE id = 2')).toEqual([
        { email: null, addr: null, note: '-' },
      ]);
    });
  });

  describe('what somebody has dropped from the old column', () => {
    const HANGING = `CREATE TABLE users (id int PRIMARY KEY, email text, note text, CONSTRAINT short CHECK (length(email) < 90), CONSTRAINT once UNIQUE (email, id));
    CREATE INDEX by_email ON users (email); CREATE STATISTICS related ON email, note FROM users; INSERT INTO users VALUES (1, 'a@x')`;
    const left = () =>
      rows(`SELECT relname AS name FROM pg_class WHERE relkind = 'i' AND relname ~ 'email|once' UNION SELECT conname FROM pg_constraint WHERE conname ~ 'short|once'
      UNION SELECT stxname FROM pg_statistic_ext`);

    test('does not come back in phase 3, nor does any phase wait for it', async () => {
      await phase1(HANGING);
      await migration('DROP INDEX by_email; ALTER TABLE users DROP CONSTRAINT short; DROP STATISTICS related');
      await fixture.deploy(R2);
      await migration('ALTER TABLE users DROP CONSTRAINT once', '1.2.5');
      await fixture.deploy(R3);
      expect(await left()).toEqual([]);
    });

    test('twin and all, neither', async () => {
      await phase1(HANGING);
      await rows(
        'DROP INDEX by_email, by_email_triphase; ALTER TABLE users DROP CONSTRAINT short, DROP CONSTRAINT short_triphase',
      );
      await fixture.deploy(R2);
      await fixture.deploy(R3);
      expect((await left()).map(({ name }) => name).sort()).toEqual(['once', 'related']);
      // Undoing the phase makes what it was scaffolded with; the way that the refusal names builds the counterparts.
      await fixture.project.json('rollback', '--steps', '1');
      const { code, json } = await fixture.project.phase(
        'migrate',
        '--release',
        R3,
        '--straggler-window',
        '0',
        '--json',
      );
      expect([code, json.error.code]).toEqual([4, 'PH2007']);
      const { applied } = await fixture.project.json('status');
      const { id } = applied.find((step: { id: string }) => step.id.endsWith('_constrain'));
      await fixture.project.json('resolve', id, '--retry');
      await fixture.deploy(R3);
    });
  });

  test('an index that a migration makes on the old column has its counterpart, and its name after phase 3', async () => {
    await phase1();
    await migration(
      'CREATE INDEX by_note ON users (note, email); CREATE UNIQUE INDEX once ON users (lower(email)) WHERE email IS NOT NULL',
    );
    const indexes = () =>
      rows(
        `SELECT indexdef FROM pg_indexes WHERE tablename = 'users' AND indexname <> 'users_pkey' ORDER BY indexname`,
      );
    expect((await indexes()).map(({ indexdef }) => indexdef)).toEqual([
      'CREATE INDEX by_note ON public.users USING btree (note, email)',
      'CREATE INDEX by_note_triphase ON public.users USING btree (note, addr)',
      'CREATE UNIQUE INDEX once ON public.users USING btree (lower(email)) WHERE (email IS NOT NULL)',
      'CREATE UNIQUE INDEX once_triphase ON public.users USING btree (lower(addr)) WHERE (addr IS NOT NULL)',
    ]);
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    const after = [
      'CREATE INDEX by_note ON public.users USING btree (note, addr)',
      'CREATE UNIQUE INDEX once ON public.users USING btree (lower(addr)) WHERE (addr IS NOT NULL)',
    ];
    expect((await indexes()).map(({ indexdef }) => indexdef)).toEqual(after);
    await fixture.project.json('rollback', '--steps', '1');
    await fixture.deploy(R3);
    expect((await indexes()).map(({ indexdef }) => indexdef)).toEqual(after);
  });
  describe('a trigger that comes meanwhile and changes one of the columns', () => {
    const made = (body: string): string =>
      `CREATE OR REPLACE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$;`;
    const TRIGGER = 'CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy();';

    test('is refused in the migration that makes it', async () => {
      await phase1();
      const refused = await migration(`${made('NEW.email := lower(NEW.email);')} ${TRIGGER}`);
      expect(refused).toMatchObject({
        code: 4,
        json: { error: { code: 'PH2018', remedy: expect.stringContaining('NEW."addr" := NEW."email"') } },
      });
      expect(await rows(`SELECT tgname FROM pg_trigger WHERE tgname = 'tidy'`)).toEqual([]);
    });

    test('made by hand, it is found by status and the next command, and the way on leads on', async () => {
      await phase1();
      await rows(`${made('SELECT lower(NEW.email) INTO NEW.email;')} ${TRIGGER}`);
      expect((await fixture.project.json('status')).renames[0].altered).toEqual([
        expect.stringContaining('trigger "tidy"'),
      ]);
      expect((await fixture.project.phase('migrate', '--release', R2, '--json')).json.error.code).toBe('PH2018');
      await rows(made('NEW.email := lower(NEW.email); NEW.addr := NEW.email;'));
      await fixture.project.json('migrate', '--release', R1);
      await rows(`INSERT INTO users (id, email) VALUES (7, 'ABC')`);
      expect(await rows('SELECT email, addr FROM users WHERE id = 7')).toEqual([{ email: 'abc', addr: 'abc' }]);
    });

    test.each([
      ['by a record that it returns', 'DECLARE r record; BEGIN r := NEW; r.email := lower(r.email); RETURN r; END'],
      ['by GET DIAGNOSTICS', 'BEGIN GET DIAGNOSTICS NEW.email = PG_CONTEXT; RETURN NEW; END'],
      ['by a function of PostgreSQL', null],
    ])('is refused %s', async (_how, body) => {
      await phase1(body === null ? 'CREATE TABLE users (id int PRIMARY KEY, email tsvector, note text)' : undefined);
      const sql =
        body === null
          ? `CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(email, 'pg_catalog.english', note)`
          : `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$; ${TRIGGER}`;
      expect((await migration(sql)).json.error).toMatchObject({
        code: 'PH2018',
        message: expect.stringContaining('gives email a value'),
      });
    });

    test('is named at the gates where it may do so, as far as its text tells', async () => {
      await phase1();
      const whole = `CREATE FUNCTION norm(r users) RETURNS users LANGUAGE plpgsql AS $$ BEGIN r.note := lower(r.note); RETURN r; END $$;`;
      expect((await migration(`${whole} ${made('NEW := norm(NEW);')} ${TRIGGER}`)).code).toBe(0);
      const { stderr } = await fixture.project.phase('migrate', '--release', R2, '--straggler-window', '0');
      expect(stderr).toContain(
        'look at the trigger "tidy" of public.users, which may change one of email and addr alone',
      );
    });

    test('that only reads it is fine', async () => {
      await phase1();
      const reads = made(`IF NEW.email = '' THEN RAISE 'no'; END IF; NEW.note := NEW.email;`);
      expect((await migration(`${reads} ${TRIGGER}`)).code).toBe(0);
    });
  });

  test('a security label is carried over by its provider, and never lost without a word where that is not loaded', async () => {
    const label = (column: string): string => `SET allow_system_table_mods = on;
      INSERT INTO pg_seclabel SELECT 'users'::regclass, 'pg_class'::regclass, attnum, 'masks', 'MASKED' FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = '${column}';
      RESET allow_system_table_mods`;
    await phase1();
    await rows(label('email'));
    const refused = await fixture.project.phase('migrate', '--release', R2, '--json');
    expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2018']);
    expect(refused.json.error.message).toContain('security label provider "masks" is not loaded');
    await rows(label('addr'));
    await fixture.deploy(R2);
    await fixture.deploy(R3);
    expect(await rows('SELECT label FROM pg_seclabel')).toEqual([{ label: 'MASKED' }]);
  });

  test.each([
    ['before the switch', '20200101000000'],
    ['after the switch', '20990101000000'],
  ])(
    'under load of both releases no write is lost when phase 2 comes with a default of the new column, %s',
    async (_when, stamp) => {
      fixture = await renameFixture({ server: server(), schema: SCHEMA, from: 'email', to: 'addr', cut: [R1] });
      const { project, database } = fixture;
      project.write(`db/migrate/${stamp}_default.sql`, `ALTER TABLE users ALTER COLUMN addr SET DEFAULT 'unknown'`);
      project.write('package.json', JSON.stringify({ version: R2 }));
      await project.json('hash', '--no-replay');
      for (const release of [R2, R3]) await project.json('release', 'cut', release);
      await fixture.deploy(R1);
      const write: Write = (column, id, value) => ({
        text: `INSERT INTO users (id, ${column}) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET ${column} = excluded.${column}`,
        values: [id, value],
      });
      const book = new Map<number, string>();
      const [old, fresh] = [new Writers(database.url, write, book), new Writers(database.url, write, book)];
      old.start('email', 1_000);
      await project.json('migrate', '--release', R2);
      fresh.start('addr', 5_000);
      await new Promise((done) => setTimeout(done, 500));
      await old.stop();
      await project.json('finish', '--straggler-window', '0');
      await project.json('migrate', '--release', R3, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
      await fresh.stop();
      expect([...old.errors, ...fresh.errors]).toEqual([]);
      expect(book.size).toBeGreaterThan(50);
      const stored = await rows('SELECT id, addr FROM users WHERE id >= 1000');
      expect(stored.filter(({ id, addr }) => book.get(id) !== addr)).toEqual([]);
      expect(stored).toHaveLength(book.size);
    },
  );
});
