import { afterEach, describe, expect } from '@jest/globals';
import { R1, R2, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());

  /** Pages that a statement looks at, its triggers included. */
  async function pagesOf(statement: string): Promise<number> {
    const [row] = await fixture.database.sql(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${statement}`);
    const [{ Plan: plan }] = row['QUERY PLAN'];
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  }

  const LARGE = `(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 20000))`;

  describe.each([
    ['text', ''],
    ['jsonb', "DEFAULT '{}'"],
  ])('%s of 640 kB %s', (type, given) => {
    const value = type === 'text' ? LARGE : `jsonb_build_object('a', ${LARGE})`;

    test.each([R1, R2])('an update of another column does not read it in %s', async (release) => {
      fixture = await renameFixture({
        server: server(),
        schema: `CREATE TABLE users (id int PRIMARY KEY, old ${type} ${given}, other int); INSERT INTO users SELECT 1, ${value}, 1`,
      });
      const plain = await pagesOf('UPDATE users SET other = 2');
      await fixture.deploy(R1);
      if (release === R2) await fixture.deploy(R2);
      expect(await pagesOf('UPDATE users SET other = 3')).toBeLessThan(plain + 60);
      // To see that the measure would show it.
      expect(await pagesOf('UPDATE users SET other = 4 WHERE new IS NOT DISTINCT FROM old')).toBeGreaterThan(
        plain + 100,
      );
      expect(await fixture.database.sql('SELECT count(*)::int AS rows FROM users WHERE new = old')).toEqual([
        { rows: 1 },
      ]);
    });
  });

  test('a row that is not filled yet is put in step by an update of anything, also where it holds the default', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL DEFAULT 'standing', other int);
      INSERT INTO users SELECT 1, ${LARGE}; INSERT INTO users (id) VALUES (2)`,
      cut: [],
    });
    const [, expand] = /(ALTER TABLE "public"."users" ADD COLUMN [^']*)'/.exec(
      Object.entries(fixture.project.files()).find(([path]) => path.endsWith('_phase_1_expand.ts'))?.[1] ?? '',
    ) ?? ['', ''];
    expect(expand).toBe('ALTER TABLE "public"."users" ADD COLUMN "new" text');
    await fixture.deploy(R1);
    await fixture.database.sql(
      'ALTER TABLE users ALTER new DROP NOT NULL; SET session_replication_role = replica; UPDATE users SET new = NULL; SET session_replication_role = origin; UPDATE users SET other = 1',
    );
    expect(await fixture.database.sql('SELECT id FROM users WHERE new IS DISTINCT FROM old')).toEqual([]);
    await fixture.database.sql('INSERT INTO users (id) VALUES (3)');
    expect(await fixture.database.sql('SELECT old, new FROM users WHERE id = 3')).toEqual([
      { old: 'standing', new: 'standing' },
    ]);
  });

  test.each([
    ['a setting that only sessions of the application have', "current_setting('app.tenant')::int", 'int'],
    ['the moment', 'now()', 'timestamptz'],
    ['the day, through a text', "('today'::text)::date", 'date'],
  ])('a default that is no constant is not evaluated when the column is added: %s', async (_what, given, type) => {
    fixture = await renameFixture({
      server: server(),
      schema: `CREATE TABLE users (id int PRIMARY KEY, old ${type} NOT NULL DEFAULT ${given}, other int);
      SET app.tenant = 7; INSERT INTO users (id) SELECT generate_series(1, 5); RESET app.tenant`,
    });
    const { database, deploy } = fixture;
    await deploy(R1);
    expect(await database.sql('SELECT count(*)::int AS rows FROM users WHERE new = old')).toEqual([{ rows: 5 }]);
    // A writer that gives the value itself needs nothing else, as before.
    const value = type === 'int' ? '9' : `'2020-01-01'`;
    await database.sql(`INSERT INTO users (id, old) VALUES (10, ${value})`);
    await database.sql('SET app.tenant = 8; INSERT INTO users (id) VALUES (11)');
    expect(
      await database.sql(`SELECT id FROM users WHERE new IS DISTINCT FROM old OR (id = 10) <> (old = ${value})`),
    ).toEqual([]);
    await deploy(R2);
    await database.sql(`INSERT INTO users (id, new) VALUES (12, ${value}); INSERT INTO users (id) VALUES (13)`);
    expect(await database.sql('SELECT id FROM users WHERE new IS DISTINCT FROM old OR new IS NULL')).toEqual([]);
  });

  test('a domain keeps its default on the new column, whatever the column gets before it is filled', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `CREATE DOMAIN word AS text DEFAULT 'none'; CREATE TABLE users (id int PRIMARY KEY, old word, other int);
      INSERT INTO users VALUES (1, 'a'), (2, NULL), (3, 'none')`,
    });
    await fixture.deploy(R1);
    await fixture.database.sql(`INSERT INTO users (id) VALUES (4); INSERT INTO users (id, old) VALUES (5, 'b')`);
    expect(await fixture.database.sql('SELECT id, old, new FROM users ORDER BY id')).toEqual([
      { id: 1, old: 'a', new: 'a' },
      { id: 2, old: null, new: null },
      { id: 3, old: 'none', new: 'none' },
      { id: 4, old: 'none', new: 'none' },
      { id: 5, old: 'b', new: 'b' },
    ]);
  });
});
