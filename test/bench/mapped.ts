import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import type { TestDatabase } from '../support/database.ts';
import { R1, R2 } from '../support/rename-fixture.ts';
import { median } from './measure.ts';
import { lossesOf, rowsPerSecond, type Synced, say, scaffolded, two } from './scaffolded.ts';
import { ROWS_A_STATEMENT, type Write } from './write-rate.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;

const names = (rows: number): string => `CREATE TABLE users (id bigint PRIMARY KEY, old text NOT NULL, title text);
  INSERT INTO users SELECT n, 'first' || n || ' last' || n, 'the title of row ' || n FROM generate_series(1, ${rows}) AS n; VACUUM (FREEZE, ANALYZE) users`;
const tables = (
  rows: number,
): string => `${names(rows)}; CREATE TABLE contacts (user_id bigint PRIMARY KEY, phone text);
  INSERT INTO contacts SELECT n, 'the phone of row ' || n FROM generate_series(1, ${rows}) AS n; VACUUM (FREEZE, ANALYZE) contacts`;

interface Changed {
  readonly command: string;
  readonly script: (rows: number) => string;
  readonly flags: readonly string[];
}

const CHANGES = {
  rename: { command: 'rename-column', script: names, flags: ['--table', 'users', '--from', 'old', '--to', 'new'] },
  split: {
    command: 'split-column',
    script: names,
    flags: [
      ...[
        '--table',
        'users',
        '--from',
        'old',
        '--into',
        "a=split_part(old, ' ', 1)",
        '--into',
        "b=split_part(old, ' ', 2)",
      ],
      ...['--back', "a || ' ' || b"],
    ],
  },
  move: {
    command: 'move-column',
    script: tables,
    flags: ['--table', 'users', '--column', 'old', '--to-table', 'contacts', '--via', 'contacts.user_id = users.id'],
  },
} as const satisfies Record<string, Changed>;

/** What a split and a move cost beside a rename, in one run: rows a second of the backfill, and the loss of writers. The server has its own settings. */
async function main(): Promise<void> {
  const options = { version: NEWEST_EMBEDDED, project: repository, name: `bench-${process.pid}` };
  const server = await startEmbedded(options);
  try {
    const ratios: Record<'split' | 'move', number[]> = { split: [], move: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const renamed = await backfill(server, CHANGES.rename);
      for (const kind of ['split', 'move'] as const)
        ratios[kind].push((await backfill(server, CHANGES[kind])) / renamed);
      say({ round, renamed: Math.round(renamed), ...ratios });
    }
    say({ backfill: { rows: ROWS, split: two(median(ratios.split)), move: two(median(ratios.move)) } });
    say({ writes: await writes(server) });
  } finally {
    await removeEmbedded(options);
  }
}

function backfill(server: string, { command, script, flags }: Changed): Promise<number> {
  return scaffolded(server, { command, script: script(ROWS), flags }, async ({ project }) => {
    await project.json('migrate', '--release', R1, '--maintenance');
    return rowsPerSecond(project, ROWS);
  });
}

const WRITES: readonly Write[] = [1, ROWS_A_STATEMENT].flatMap((size) => [
  { name: `another column, ${size} a statement`, set: "title = title || 'x'", size },
  { name: `the column, ${size} a statement`, set: "old = 'w ' || $2", size },
]);

async function writes(server: string): Promise<object> {
  const rows = ROWS / 5;
  const upTo = (
    kind: keyof typeof CHANGES,
    releases: readonly string[],
    body: (database: TestDatabase) => Promise<object>,
  ) => {
    const { command, flags } = CHANGES[kind];
    return scaffolded(server, { command, script: tables(rows), flags }, async ({ database, project }) => {
      for (const release of releases) await project.json('migrate', '--release', release, '--maintenance');
      return body(database);
    });
  };
  const beside = async (
    synced: readonly Synced[],
    wanted: readonly (readonly [keyof typeof CHANGES, 0 | 1 | 2])[],
  ): Promise<object> => {
    const [next, ...rest] = wanted;
    if (next === undefined) return lossesOf({ rows, writes: WRITES }, synced);
    const [kind, phase] = next;
    const name = phase === 0 ? 'none' : `${kind}, phase ${phase}`;
    return upTo(kind, [R1, R2].slice(0, phase), (database) => beside([...synced, { name, database }], rest));
  };
  return beside(
    [],
    [
      ['rename', 0],
      ['rename', 1],
      ['split', 1],
      ['split', 2],
      ['move', 1],
      ['move', 2],
    ],
  );
}

await main();
