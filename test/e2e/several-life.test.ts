import { afterEach, describe, expect, test } from '@jest/globals';
import { serverUrl } from '../support/database.ts';
import { migrateBetween } from '../support/pair-fixture.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { modelInsert, modelUpdate, type Value } from '../support/sync-model.ts';
import { expectPlainRename, plainRenames } from './oracle.ts';

const COLUMNS = [
  { from: 'old', to: 'new' },
  { from: 'a', to: 'x' },
  { from: 'b', to: 'y' },
] as const;

let fixture: RenameFixture;
afterEach(() => fixture?.remove());

async function several(schema: string, cut?: readonly string[]): Promise<RenameFixture> {
  const [first, ...also] = COLUMNS;
  fixture = await renameFixture({ schema, ...first, also, ...(cut === undefined ? {} : { cut }) });
  return fixture;
}

/** What each column may hold, by its default. */
const COLUMN_CASES = {
  old: { kind: 'none', standing: null, values: [null, 'a', 'b'] },
  a: { kind: 'constant', standing: 'd', values: [null, 'd', 'e'] },
  b: { kind: 'volatile', standing: null, values: [null, '1', '2'] },
} as const;

const TRIGGERS = `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.other := 1; NEW.a := NEW.a; RETURN NEW; END $$;
  CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy();`;

describe.each([
  ['', 'and no trigger of the application'],
  [TRIGGERS, 'and a trigger of the application that may change one of them'],
])('several columns in one sync %#', (triggers, title) => {
  test.each([1, 2] as const)(
    `each follows its own table in phase %i, whatever is written to the others, ${title}`,
    async (phase) => {
      const { database, deploy } = await several(
        `CREATE TABLE users (id int PRIMARY KEY, old text, a text DEFAULT 'd', b text DEFAULT (random() > 2)::text, other int); ${triggers}`,
      );
      await deploy(phase === 1 ? R1 : R2);
      for (const row of rowsOf()) {
        await database.sql('TRUNCATE users');
        const before = await counted(database.sql, phase);
        const [made] = await database.sql(
          'INSERT INTO users (id, old, new, a, x, b, y) VALUES (1, $1, $2, $3, $4, $5, $6) RETURNING old, new, a, x, b, y',
          COLUMNS.flatMap(({ from }) => [row[from].old, row[from].new]),
        );
        const models = COLUMNS.map(({ from }) => {
          const { kind, standing } = COLUMN_CASES[from];
          return modelInsert(row[from], phase, kind, standing);
        });
        const counts = (await counted(database.sql, phase)) - before;
        // A row that an old release has written is one write, whatever it has written of it.
        expect({ row, ...made, counts }).toEqual({
          ...{ row, ...expected(models) },
          counts: models.some(({ straggler }) => straggler) ? 1 : 0,
        });
      }
    },
  );
});

type Written = Record<(typeof COLUMNS)[number]['from'], { old: Value; new: Value }>;

/** Every pair of values for one column beside some of the others. */
function rowsOf(): Written[] {
  const pairs = (of: keyof typeof COLUMN_CASES) => {
    const { values } = COLUMN_CASES[of];
    return values.flatMap((old) => values.map((fresh) => ({ old, new: fresh })));
  };
  const [first, second, third] = [pairs('old'), pairs('a'), pairs('b')];
  return first.flatMap((old, at) =>
    second.map((a, place) => ({ old, a, b: third[(at * 4 + place * 7) % third.length] ?? { old: null, new: null } })),
  );
}

function expected(models: readonly { readonly old: Value; readonly new: Value }[]): object {
  return Object.fromEntries(
    COLUMNS.flatMap(({ from, to }, at) => [
      [from, models[at]?.old],
      [to, models[at]?.new],
    ]),
  );
}

async function counted(sql: RenameFixture['database']['sql'], phase: 1 | 2): Promise<number> {
  if (phase === 1) return 0;
  const [row] = await sql(
    'SELECT CASE WHEN is_called THEN last_value ELSE 0 END::int AS count FROM phase.stragglers_users_old_a_b_to_new_x_y',
  );
  return row.count;
}

test.each([1, 2] as const)('updates of one column leave the others alone in phase %i', async (phase) => {
  const { database, deploy } = await several(
    'CREATE TABLE users (id int PRIMARY KEY, old text, a text, b text, other int)',
  );
  await deploy(phase === 1 ? R1 : R2);
  const values = [null, 'p', 'q'];
  for (const old of values)
    for (const fresh of values)
      for (const x of values) {
        await database.sql('TRUNCATE users');
        await database.sql(`INSERT INTO users (id, old, new, a, x, b, y) VALUES (1, 's', 's', 't', 't', 'u', 'u')`);
        const before = await counted(database.sql, phase);
        const [made] = await database.sql(
          'UPDATE users SET old = $1, new = $2, x = $3 RETURNING old, new, a, x, b, y',
          [...[old, fresh, x]],
        );
        const models = [
          modelUpdate({ old: 's', new: 's' }, { old, new: fresh }, phase),
          modelUpdate({ old: 't', new: 't' }, { old: 't', new: x }, phase),
          { old: 'u', new: 'u', straggler: false },
        ];
        const counts = (await counted(database.sql, phase)) - before;
        expect({ old, fresh, x, ...made, counts }).toEqual({
          ...{ old, fresh, x, ...expected(models) },
          counts: models.some(({ straggler }) => straggler) ? 1 : 0,
        });
      }
  expect(await database.sql('SELECT count(*)::int AS triggers FROM pg_trigger WHERE NOT tgisinternal')).toEqual([
    { triggers: 2 },
  ]);
});

test('what migrations do to one of the columns meanwhile is followed, and the sync knows all of them still', async () => {
  const schema = `CREATE TABLE users (id int PRIMARY KEY, old int, a int, b text DEFAULT 'one');
    INSERT INTO users SELECT n, n, n FROM generate_series(1, 50) AS n`;
  const { database, deploy } = await several(schema);
  await deploy(R1);
  const between = `ALTER TABLE users ALTER b SET DEFAULT 'two'; ALTER TABLE users ALTER a SET DEFAULT 7; COMMENT ON COLUMN users.old IS 'x';
    CREATE UNIQUE INDEX of_two ON users (old, a)`;
  expect((await migrateBetween(fixture, '1.1.5', between)).code).toBe(0);
  await database.sql(
    `INSERT INTO users (id, new) VALUES (100, 100); INSERT INTO users (id, y, x) VALUES (101, 'three', 1)`,
  );
  expect(await database.sql('SELECT old, new, a, x, b, y FROM users WHERE id > 99 ORDER BY id')).toEqual([
    { old: 100, new: 100, a: 7, x: 7, b: 'two', y: 'two' },
    { old: null, new: null, a: 1, x: 1, b: 'three', y: 'three' },
  ]);
  for (const release of [R2, R3]) await deploy(release);
  await database.sql('DELETE FROM users WHERE id > 99');
  const plain = await plainRenames(serverUrl(), `${schema}; ${between}`, 'users', COLUMNS);
  try {
    await expectPlainRename(database, plain);
  } finally {
    await plain.drop();
  }
});

test('--refresh carries over what has come to hang on any of them since', async () => {
  const schema = 'CREATE TABLE users (id int PRIMARY KEY, old int, a int, b text DEFAULT 0)';
  const behind = `CREATE INDEX of_three ON users (old, a, lower(b)); CREATE INDEX of_b ON users (b); CREATE VIEW seen AS SELECT a + old AS sum FROM users;
    ALTER TABLE users ADD CHECK (a > old); ALTER TABLE users ALTER b SET STATISTICS 9; CREATE VIEW seen_b AS SELECT b FROM users;
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER noted AFTER UPDATE OF a, b ON users FOR EACH ROW EXECUTE FUNCTION noted();`;
  const { database, project, deploy } = await several(schema, [R1, R2]);
  await deploy(R1);
  await deploy(R2);
  await database.sql(behind);
  const refused = await project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
  expect(refused).toMatchObject({ code: 4, json: { error: { code: 'PH2008' } } });
  await project.json('new', 'rename-column', '--refresh', 'users_old_a_b_to_new_x_y', '--yes');
  expect(await project.json('new', 'rename-column', '--refresh', 'users_old_a_b_to_new_x_y', '--yes')).toMatchObject({
    files: [],
  });
  await project.json('release', 'cut', R3);
  await deploy(R3);
  const plain = await plainRenames(serverUrl(), `${schema}; ${behind}`, 'users', COLUMNS);
  try {
    await expectPlainRename(database, plain);
    const { reverted } = await project.json('rollback', '--steps', '2');
    expect(reverted).toHaveLength(2);
    await deploy(R3);
    await expectPlainRename(database, plain);
  } finally {
    await plain.drop();
  }
});

test('functions that name several of them get one version', async () => {
  const [first, ...also] = COLUMNS;
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old int, a int, b text);
      CREATE FUNCTION sum_of() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(old + a) FROM users); END $$`,
    ...{ ...first, also },
  });
  const { project, deploy } = fixture;
  const copies = Object.keys(project.files()).filter((path) => path.startsWith('db/functions/sum_of'));
  expect(copies).toEqual(['db/functions/sum_of_v01.sql', 'db/functions/sum_of_v02.sql']);
  for (const release of [R1, R2, R3]) await deploy(release);
});

test('what does not fit is refused, with the way', async () => {
  fixture = await renameFixture({
    schema:
      'CREATE TABLE users (id int PRIMARY KEY, old int, a int, b int, twice int GENERATED ALWAYS AS (a * 2) STORED)',
    ...{ from: 'old', to: 'new' },
  });
  const refused = async (...flags: string[]) => {
    const { code, json } = await fixture.project.phase(
      ...['new', 'rename-column', '--table', 'users', ...flags, '--releases', '2.1.0,2.2.0,2.3.0', '--yes', '--json'],
    );
    expect(code).not.toBe(0);
    return json.error;
  };
  expect(await refused('--map', 'a=x', '--map', 'a=y')).toMatchObject({
    code: 'PH1009',
    why: expect.stringContaining('twice'),
  });
  expect(await refused('--map', 'a=x', '--map', 'b=x')).toMatchObject({ code: 'PH1009' });
  expect(await refused('--map', 'a=b', '--map', 'b=a')).toMatchObject({ code: 'PH1009' });
  expect(await refused('--map', 'a')).toMatchObject({ code: 'PH1015' });
  expect(await refused('--map', 'a=')).toMatchObject({ code: 'PH1015' });
  expect(await refused('--map', 'a=x', '--from', 'b')).toMatchObject({ code: 'PH1015' });
  expect(await refused('--map', 'a=x', '--map', 'gone=y')).toMatchObject({ code: 'PH1008' });
  expect(await refused('--map', 'a=x', '--map', 'twice=y')).toMatchObject({
    code: 'PH2001',
    remedy: expect.stringContaining('Leave it out'),
  });
});
