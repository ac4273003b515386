import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { type Write, Writers } from '../support/writers.ts';

interface WriterCase {
  readonly title: string;
  readonly schema: string;
  readonly write: Write;
  /** What a row holds after a value was written. */
  readonly stored?: (value: string) => string;
  /** What else happens while a release is migrated to. */
  readonly meanwhile?: Partial<Record<string, (fixture: RenameFixture) => Promise<void>>>;
  /** Whether writes of the release before the switch are seen as such: not those through rebound objects. */
  readonly stragglers: boolean;
  /** A query after phase 3, and the values that it has to give. */
  readonly finally?: readonly [sql: string, values: readonly string[]];
}

const upsert: Write = (column, id, value) => ({
  text: `INSERT INTO users (id, ${column}) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET ${column} = excluded.${column}`,
  values: [id, value],
});
const ROWS = `INSERT INTO users (id, old) SELECT -n, 'r' || n FROM generate_series(1, 20000) AS n`;

const CASES: readonly WriterCase[] = [
  {
    title: 'an updatable view with CHECK OPTION',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE, more text); ${ROWS};
      CREATE VIEW people AS SELECT id, old AS name FROM users WHERE old <> '' WITH CHECK OPTION`,
    write: (_column, id, value) => ({
      text: 'INSERT INTO people (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name',
      values: [id, value],
    }),
    stragglers: false,
  },
  {
    title: 'a function with a parsed body',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text, more text); ${ROWS};
      CREATE FUNCTION put(which int, what text) RETURNS void LANGUAGE sql BEGIN ATOMIC
        INSERT INTO users (id, old) VALUES (which, what) ON CONFLICT (id) DO UPDATE SET old = excluded.old; END`,
    write: (_column, id, value) => ({ text: 'SELECT put($1, $2)', values: [id, value] }),
    stragglers: false,
  },
  {
    title: 'a cascade of a foreign key',
    schema: `CREATE TABLE names (id int PRIMARY KEY, name text UNIQUE);
      CREATE TABLE users (id int PRIMARY KEY, old text REFERENCES names (name) ON UPDATE CASCADE ON DELETE SET NULL);
      INSERT INTO names SELECT n, 'r' || n FROM generate_series(-3000, 6000) AS n; INSERT INTO users SELECT id, name FROM names`,
    write: (_column, id, value) => ({ text: 'UPDATE names SET name = $2 WHERE id = $1', values: [id, value] }),
    stragglers: false,
  },
  {
    title: 'a BEFORE trigger of the application that changes the column',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); ${ROWS};
      CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.old := upper(NEW.old); RETURN NEW; END $$;
      CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy()`,
    write: upsert,
    stored: (value) => value.toUpperCase(),
    meanwhile: {
      [R3]: async ({ database }) =>
        void (await database.sql(`CREATE OR REPLACE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN NEW.new := upper(NEW.new); RETURN NEW; END $$`)),
    },
    stragglers: true,
  },
  {
    title: 'SET column = DEFAULT before each value, and clones of rows',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL DEFAULT 'none', more text); ${ROWS}`,
    write: (column, id, value) => ({
      text: `DO $do$ BEGIN
        INSERT INTO users (id, ${column}) SELECT ${id}, ${column} FROM users WHERE id = -1 ON CONFLICT (id) DO NOTHING;
        UPDATE users SET ${column} = DEFAULT WHERE id = ${id}; UPDATE users SET ${column} = '${value}', more = 'x' WHERE id = ${id};
      END $do$`,
    }),
    stragglers: true,
  },
  {
    title: 'MERGE, COPY and statements of several rows',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE, more text); ${ROWS}`,
    write: (column, id, value) => ({
      text: `MERGE INTO users u USING (VALUES (${id}, 'first ${value}'), (${id} + 50, 'other ${value}')) v(i, x) ON u.id = v.i
          WHEN MATCHED THEN UPDATE SET ${column} = x WHEN NOT MATCHED THEN INSERT (id, ${column}) VALUES (i, x);
        DELETE FROM users WHERE id = ${id}; COPY users (id, ${column}) FROM PROGRAM 'echo ${id},copied${id}' (FORMAT csv);
        UPDATE users SET ${column} = CASE id WHEN ${id} THEN '${value}' ELSE ${column} || '!' END WHERE id IN (${id}, ${id} + 50)`,
    }),
    stragglers: true,
  },
  {
    title: 'a table that is clustered and vacuumed while it is filled',
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text, more text); CREATE INDEX users_old ON users (old); ${ROWS}`,
    write: upsert,
    meanwhile: {
      [R1]: async ({ database }) => {
        for (let round = 0; round < 4; round++) {
          await database.sql('CLUSTER users USING users_old');
          await database.sql('VACUUM FULL users');
          await sleep(20);
        }
      },
    },
    stragglers: true,
  },
  {
    title: 'a partitioned table to which partitions come with rows of their own',
    schema: `CREATE TABLE users (id int, old text NOT NULL, day int NOT NULL DEFAULT 0, PRIMARY KEY (id, day), UNIQUE (old, day)) PARTITION BY LIST (day);
      CREATE TABLE users_0 PARTITION OF users FOR VALUES IN (0); CREATE INDEX users_lower ON users (lower(old)); ${ROWS}`,
    write: (column, id, value) => ({
      text: `INSERT INTO users (id, ${column}) VALUES ($1, $2) ON CONFLICT (id, day) DO UPDATE SET ${column} = excluded.${column}`,
      values: [id, value],
    }),
    meanwhile: {
      [R2]: async ({ database }) => {
        await database.sql(`CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1); INSERT INTO users (id, old, day) VALUES (-1, 'one', 1);
          CREATE TABLE users_2 (LIKE users INCLUDING ALL); INSERT INTO users_2 (id, old, new, day) SELECT -n, 'a' || n, 'unsynced' || n, 2 FROM generate_series(1, 500) AS n;
          ALTER TABLE users ATTACH PARTITION users_2 FOR VALUES IN (2)`);
      },
      [R3]: async ({ database }) =>
        void (await database.sql(`CREATE TABLE users_3 (LIKE users INCLUDING ALL); INSERT INTO users_3 (id, old, new, day) SELECT -n, '', 'b' || n, 3 FROM generate_series(1, 1) AS n;
          ALTER TABLE users ATTACH PARTITION users_3 FOR VALUES IN (3); CREATE TABLE users_4 PARTITION OF users FOR VALUES IN (4)`)),
    },
    stragglers: true,
    finally: [
      `SELECT new AS value FROM users WHERE id IN (-1, -500) AND day > 0 UNION ALL SELECT indexrelid::regclass::text FROM pg_index
        WHERE indisprimary AND NOT indisvalid OR indexrelid::regclass::text ~ 'triphase' ORDER BY 1`,
      ['a1', 'a500', 'b1', 'one'],
    ],
  },
];

test.each(CASES)('nobody loses a write through $title', async (given) => {
  const fixture = await renameFixture(given);
  const { database, project } = fixture;
  const book = new Map<number, string>();
  const [before, after] = [new Writers(database.url, given.write, book), new Writers(database.url, given.write, book)];
  const stored = given.stored ?? ((value: string) => value);
  const migrate = (release: string) => project.json('migrate', '--release', release, '--straggler-window', '0');
  const meanwhile = (release: string) => given.meanwhile?.[release]?.(fixture);
  try {
    before.start('old', 1_000);
    await sleep(100);
    await Promise.all([migrate(R1), meanwhile(R1)]);
    await project.json('finish');
    await meanwhile(R2);
    await migrate(R2);
    after.start('new', 5_000);
    await sleep(100);
    // Statements that waited for the switch may still name the old column.
    const [first] = (await project.json('status')).renames;
    await sleep(150);
    const [second] = (await project.json('status', '--count')).renames;
    const stragglers = second.stragglers > first.stragglers;
    expect({ mismatches: second.mismatches, stragglers }).toEqual({ mismatches: 0, stragglers: given.stragglers });
    await before.stop();
    await project.json('finish', '--straggler-window', '0');
    await meanwhile(R3);
    await migrate(R3);
    await project.json('finish', '--straggler-window', '0');
    await sleep(100);
    await after.stop();
    expect([...before.errors, ...after.errors]).toEqual([]);
    const written = [...book.keys()];
    const rows = await database.sql('SELECT id, new FROM users WHERE id = ANY ($1) ORDER BY id', [written]);
    const expected = [...book].sort(([a], [b]) => a - b).map(([id, value]) => ({ id, new: stored(value) }));
    expect(rows).toEqual(expected);
    expect(expected.length).toBeGreaterThan(60);
    if (given.finally === undefined) return;
    const [sql, values] = given.finally;
    expect((await database.sql(sql)).map(({ value }) => value)).toEqual(values);
  } finally {
    await Promise.all([before.stop(), after.stop()]);
    await fixture.remove();
  }
});
