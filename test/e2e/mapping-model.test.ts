import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { isInStep, type MappingModel, type Row, written } from '../support/mapping-model.ts';
import { numbers } from '../support/numbers.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

interface Case {
  readonly name: string;
  readonly table: string;
  readonly flags: readonly string[];
  readonly model: MappingModel;
  /** Values that a column may be given. */
  readonly values: Readonly<Record<string, readonly (string | number | null)[]>>;
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
const joined = (first: string | null, last: string | null): string | null =>
  first === null || last === null ? null : last === '' ? first : `${first} ${last}`;
/** `split_part(name, ' ', 1)`, and what follows it. */
function parts(name: string | null): Row {
  if (name === null) return { first_name: null, last_name: null };
  const first = name.split(' ')[0] ?? '';
  return { first_name: first, last_name: name.slice(first.length + 1) };
}

const INTO = [
  ...['--from', 'name', '--into', "first_name=split_part(name, ' ', 1)"],
  ...['--into', "last_name=substr(name, length(split_part(name, ' ', 1)) + 2)"],
];
const NAMES = ['Ann Smith', 'Bo', ' lead', 'trail ', 'a  b', '', null, 'x y z'];

const splitOf = (standing: string | null): MappingModel => ({
  old: ['name'],
  fresh: ['first_name', 'last_name'],
  defaults: { name: standing, ...parts(standing) },
  forward: ({ name }) => parts(text(name)),
  back: ({ first_name, last_name }) => ({ name: joined(text(first_name), text(last_name)) }),
});

const CASES: readonly Case[] = [
  {
    name: 'a split',
    table: 'CREATE TABLE things (id int PRIMARY KEY, name text, note int)',
    flags: [
      'split-column',
      ...INTO,
      '--back',
      "CASE last_name WHEN '' THEN first_name ELSE first_name || ' ' || last_name END",
    ],
    model: splitOf(null),
    values: { name: NAMES, first_name: ['Ann', '', 'Bo', null], last_name: ['Smith', '', 'b c', null] },
  },
  {
    name: 'a split of a column with a default',
    table: "CREATE TABLE things (id int PRIMARY KEY, name text DEFAULT 'No One', note int)",
    flags: [
      'split-column',
      ...INTO,
      '--back',
      "CASE last_name WHEN '' THEN first_name ELSE first_name || ' ' || last_name END",
    ],
    model: splitOf('No One'),
    values: { name: [...NAMES, 'No One'], first_name: ['No', 'Ann', null], last_name: ['One', 'Smith', null] },
  },
  {
    name: 'a split that nothing leads back from',
    table: 'CREATE TABLE things (id int PRIMARY KEY, name text, note int)',
    flags: ['split-column', ...INTO],
    model: { ...splitOf(null), back: null },
    values: { name: NAMES, first_name: ['Ann', '', null], last_name: ['Smith', '', null] },
  },
  {
    name: 'a merge that loses something',
    table: 'CREATE TABLE things (id int PRIMARY KEY, a int, b int, note int)',
    flags: [
      ...['merge-columns', '--from', 'a', '--from', 'b', '--to', 'c', '--using', 'a * 100 + b'],
      ...['--back', 'a=c / 100', '--back', 'b=c % 100'],
    ],
    model: {
      old: ['a', 'b'],
      fresh: ['c'],
      defaults: { a: null, b: null, c: null },
      forward: ({ a, b }) => ({ c: a === null || b === null ? null : Number(a) * 100 + Number(b) }),
      back: ({ c }) => (c === null ? { a: null, b: null } : { a: Math.trunc(Number(c) / 100), b: Number(c) % 100 }),
    },
    values: { a: [0, 1, 7, null], b: [0, 5, 99, 250, null], c: [0, 105, 799, null] },
  },
];

test.each(CASES)(
  'each write of both phases leaves what the rules say: $name',
  async ({ table, flags, model, values }) => {
    await database.sql(table);
    const seeds = ['name', 'a'].filter((column) => column in values);
    const rows = (values[seeds[0] ?? ''] ?? []).map((value, id) => ({
      id,
      ...(seeds[0] === 'a' ? { a: value, b: 250 } : { name: value }),
    }));
    for (const row of rows) await insert(row);
    const [command = '', ...rest] = flags;
    await project.json('new', command, '--table', 'things', ...rest, '--releases', `${R1},${R2},${R3}`, '--yes');
    for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
    const random = numbers(flags.length + command.length);
    const columns = [...model.old, ...model.fresh];
    let expected = new Map<number, Row>();
    for (const phase of [1, 2] as const) {
      await project.json('migrate', '--release', phase === 1 ? R1 : R2, '--maintenance');
      const found = await database.sql(`SELECT id, ${columns.join(', ')}, note FROM things ORDER BY id`);
      if (phase === 1)
        expected = new Map(rows.map((row) => [row.id, { note: null, ...row, ...model.forward(row as Row) }]));
      expect(found).toEqual([...expected.values()].map((row) => expect.objectContaining(row)));
      for (let step = 0; step < 150; step++) {
        const given: Record<string, string | number | null> = {};
        for (const column of [...columns, 'note'])
          if (random(5) < 2) given[column] = column === 'note' ? step : pickOf(values[column] ?? [null], random);
        const id = random(3) === 0 ? 100 * phase + step : ([...expected.keys()][random(expected.size)] ?? 0);
        const before = expected.get(id) ?? null;
        const after = written(model, before, { ...given, id }, phase);
        await (before === null ? insert({ id, ...given }) : update(id, given));
        expected.set(id, { note: null, ...after });
      }
      const rowsNow = await database.sql(`SELECT id, ${columns.join(', ')}, note FROM things ORDER BY id`);
      expect(rowsNow).toEqual([...expected.values()].sort((a, b) => Number(a.id) - Number(b.id)));
      if (model.back !== null) expect(rowsNow.filter((row) => !isInStep(model, row as Row))).toEqual([]);
    }
    const status = await project.json('status', '--count');
    expect(status.changes).toMatchObject([{ phase: 2, mismatches: 0, altered: [] }]);
  },
);

const pickOf = <T>(list: readonly T[], random: (below: number) => number): T => list[random(list.length)] as T;
const literal = (value: unknown): string =>
  value === null ? 'NULL' : typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;

function insert(row: Readonly<Record<string, unknown>>): Promise<unknown> {
  return database.sql(
    `INSERT INTO things (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).map(literal).join(', ')})`,
  );
}

async function update(id: number, given: Readonly<Record<string, unknown>>): Promise<void> {
  const set = Object.entries(given).map(([column, value]) => `${column} = ${literal(value)}`);
  if (set.length > 0) await database.sql(`UPDATE things SET ${set.join(', ')} WHERE id = ${id}`);
}
