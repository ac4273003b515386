import type pg from 'pg';
import type { Connection } from '../../src/postgres/connection.ts';
import type { History } from '../../src/project/history.ts';
import { draftRename, type RenameAnswers } from '../../src/wizard/rename-column.ts';

/** What tells the rows of a table apart. */
export type Key = 'bigint' | 'uuid' | 'composite' | 'none';

export interface BenchTable {
  readonly key: Key;
  readonly rows: number;
  /** Columns of the key; empty without one. */
  readonly columns: readonly string[];
}

export function benchTable(key: Key, rows: number): BenchTable {
  return { key, rows, columns: { bigint: ['id'], uuid: ['id'], composite: ['shop', 'id'], none: [] }[key] };
}

const COLUMNS: Readonly<Record<Key, string>> = {
  bigint: 'id bigint PRIMARY KEY',
  uuid: 'id uuid PRIMARY KEY',
  composite: 'shop int, id bigint, PRIMARY KEY (shop, id)',
  none: 'id bigint',
};

const VALUES: Readonly<Record<Key, string>> = {
  bigint: 'n',
  uuid: 'gen_random_uuid()',
  composite: 'n % 100, n',
  none: 'n',
};

/** Makes the table `t` anew, without free space in its pages: what `old` holds has to come into `new`. */
export async function makeTable(db: pg.Client, { key, rows }: BenchTable): Promise<void> {
  await db.query('DROP TABLE IF EXISTS t');
  await db.query(
    `CREATE TABLE t (${COLUMNS[key]}, amount int, title text, old text, created timestamptz DEFAULT now())`,
  );
  await db.query(
    `INSERT INTO t SELECT ${VALUES[key]}, n, 'the title of row ' || n, 'v' || n FROM generate_series(1, ${rows}) AS n`,
  );
  await db.query('ALTER TABLE t ADD new text');
  await db.query('VACUUM (FREEZE, ANALYZE) t');
}

/** The sync of phase 1, as the wizard writes it for this table. */
export async function syncOf(db: Connection): Promise<string> {
  await db.query('DROP TABLE IF EXISTS t');
  await db.query('CREATE TABLE t (id bigint PRIMARY KEY, old text)');
  const history: History = {
    root: '/nonexistent',
    manifests: [],
    files: [],
    renames: new Map(),
    mappings: new Map(),
    moves: new Map(),
  };
  const releases = ['1.1.0', '1.2.0', '1.3.0'];
  const answers: RenameAnswers = { table: 't', columns: [{ from: 'old', to: 'new' }], releases };
  const { changes } = await draftRename(db, history, answers, { now: new Date(), rewriteLimit: 0 });
  const sources = changes.filter(({ path }) => /^db\/(functions|triggers)\/.*phase_1/.test(path));
  return sources.map(({ content }) => content).join(';\n');
}
