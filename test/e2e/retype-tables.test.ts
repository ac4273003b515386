import { expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { TABLES, type TableCase } from './tables.ts';

/** In each run every second one, with `VERSIONS=all` all. */
const ALL = process.env.VERSIONS === 'all';

/** Another type for one, and how the other one comes back where no cast does it. */
const NEXT: readonly (readonly [RegExp, string, back?: string])[] = [
  [/^(smallint|integer)$/, 'bigint'],
  [/^bigint$/, 'integer'],
  [/^text$/, 'character varying(180)'],
  [/^character varying/, 'text'],
  [/^uuid$/, 'text', 'uuid'],
  [/\[\]$/, 'text[]'],
  [/^(storey|mood)$/, 'text'],
];

/** What cannot be had in this way, and what is said. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'a temporal constraint, and a key that references it': /gives no/,
  'a deferrable key with SET NULL of one column, and a policy that goes through a view': /policy known on table/,
  'a stored generated column itself': /generated column/,
  'a virtual generated column itself': /generated column/,
  'a generated column of children': /generated column/,
};

/** Of partitions alone: nothing keeps it while the old column is gone. */
const STORAGE_OF_PARTITION = /^[+-] column \| public\.events_1 \| code \|/;

async function typeOf(database: TestDatabase, { table, from }: TableCase): Promise<string> {
  const [{ type }] = await database.sql(
    'SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2',
    [table, from],
  );
  return type;
}

/** A line of the catalogue without what another type changes in it: casts, types, numbers of a sequence. */
function untyped(line: string): string {
  return line
    .replace(/\| (x|e|p|m) \|/, '| storage |')
    .replace(/collation \S+/, 'collation')
    .replaceAll(/::(?:character varying|timestamp without time zone|[a-z]+)(?:\(\d+\))?(?:\[\])?/g, '')
    .replaceAll(/\b(?:character varying(?:\(\d+\))?|text|integer|bigint|smallint|uuid|storey|mood)(?:\[\])?/g, 'type')
    .replaceAll(/9223372036854775807|2147483647/g, 'most')
    .replaceAll(/[()\s]/g, '');
}

test.each(
  TABLES.filter((table, at) => ALL || at % 2 === 1 || table.title in REFUSED).map(
    (table) => [table.title, table] as const,
  ),
)('%s: another type takes nothing along, and every step can be undone', async (title, given) => {
  const database = await createDatabase();
  const project = new TestProject(database.url);
  try {
    await database.sql(given.schema);
    const before = await fingerprint(database);
    const type = await typeOf(database, given);
    const [, to = 'text', back] = NEXT.find(([pattern]) => pattern.test(type)) ?? [];
    await project.json('init');
    const flags = ['--table', given.table, '--column', given.from, '--to-type', to, '--releases', `${R1},${R2},${R3}`];
    const conversion = back === undefined ? [] : ['--back', `"${given.from}"::${back}`];
    const ran = await project.phase('new', 'retype-column', ...flags, ...conversion, '--yes', '--json');
    if (title in REFUSED) {
      expect(ran.json.error.message).toMatch(REFUSED[title] as RegExp);
      return;
    }
    expect(ran.code).toBe(0);
    for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
    for (const release of [R1, R2, R3]) await project.json('migrate', '--release', release, '--maintenance');
    expect(await typeOf(database, given)).toBe(to);
    expect((await fingerprint(database)).map(untyped).sort()).toEqual(before.map(untyped).sort());
    await project.json('rollback', '--steps', '100');
    const left = differencesOf(await fingerprint(database), before);
    expect(left.filter((line) => !STORAGE_OF_PARTITION.test(line))).toEqual([]);
  } finally {
    project.remove();
    await database.drop();
  }
});
