import type pg from 'pg';
import type { Work } from '../../src/data/work.ts';
import type { BenchTable } from './tables.ts';

/** What a method works with. */
interface MethodTools {
  readonly db: pg.Client;
  readonly table: BenchTable;
  /** The sync of phase 1, as SQL. */
  readonly sync: string;
  /** Ours, as a task runs it. */
  openWork(): Promise<{ readonly work: Work; close(): Promise<void> }>;
}

/** A way to bring what `old` holds into `new`. */
export interface Method {
  readonly name: string;
  /** Why it does not exist for a table; null when it does. */
  missing(table: BenchTable): string | null;
  /** Before the clock runs: triggers and columns that it needs. */
  prepare(tools: MethodTools): Promise<void>;
  run(tools: MethodTools): Promise<void>;
}

const ROWS_A_BATCH = 1_000;
const withoutKey = ({ columns }: BenchTable): string | null => (columns.length === 0 ? 'needs a key' : null);
const withOurSync = async ({ db, sync }: MethodTools): Promise<void> => void (await db.query(sync));

const oneUpdate: Method = {
  name: 'one UPDATE',
  missing: () => null,
  prepare: withOurSync,
  run: async ({ db }) => void (await db.query('UPDATE t SET new = old')),
};

/**
 * As pgroll's sources describe it (pkg/backfill/templates, read on 2026-11-21): a marker column, batches by key with FOR
 * NO KEY UPDATE, and the key set to itself, so that a trigger without condition computes the value.
 */
const pgroll: Method = {
  name: "pgroll's algorithm",
  missing: withoutKey,
  async prepare({ db }) {
    await db.query('ALTER TABLE t ADD COLUMN needs_backfill boolean DEFAULT true');
    await db.query(PGROLL_TRIGGER);
  },
  async run({ db, table }) {
    const key = table.columns.join(', ');
    const set = table.columns.map((column) => `${column} = t.${column}`).join(', ');
    const same = table.columns.map((column) => `t.${column} = batch.${column}`).join(' AND ');
    const own = table.columns.map((column) => `t.${column}`).join(', ');
    await byKey(
      db,
      table,
      (after) => `
      WITH batch AS (SELECT ${key} FROM t WHERE needs_backfill = true${after} ORDER BY ${key} LIMIT ${ROWS_A_BATCH} FOR NO KEY UPDATE),
      updated AS (UPDATE t SET ${set} FROM batch WHERE ${same} RETURNING ${own})
      SELECT ARRAY[${table.columns.map((column) => `${column}::text`).join(', ')}] AS last FROM updated ORDER BY ${table.columns.map((column) => `${column} DESC`).join(', ')} LIMIT 1`,
    );
  },
};

/** What it writes into a trigger: each column as a variable, the search path asked for each row. */
export const PGROLL_TRIGGER = `
  CREATE OR REPLACE FUNCTION sync_by_search_path() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      amount t.amount%TYPE := NEW.amount;
      title t.title%TYPE := NEW.title;
      old t.old%TYPE := NEW.old;
      created t.created%TYPE := NEW.created;
      latest_schema text;
      search_path text;
    BEGIN
      SELECT current_setting INTO search_path FROM current_setting('search_path');
      IF search_path != 'public_latest' THEN
        NEW.new = old;
        NEW.needs_backfill = false;
      END IF;
      RETURN NEW;
    END $$;
  CREATE OR REPLACE TRIGGER sync_by_search_path BEFORE UPDATE OR INSERT ON t FOR EACH ROW EXECUTE FUNCTION sync_by_search_path()`;

/** What people write by hand. */
const keyset: Method = {
  name: 'script, 1,000 by keyset',
  missing: withoutKey,
  prepare: withOurSync,
  async run({ db, table }) {
    const key = table.columns.join(', ');
    const same = table.columns.map((column) => `t.${column} = batch.${column}`).join(' AND ');
    const last = `ARRAY[${table.columns.map((column) => `${column}::text`).join(', ')}]`;
    const backwards = table.columns.map((column) => `${column} DESC`).join(', ');
    await byKey(
      db,
      table,
      (after) => `
      WITH batch AS (SELECT ${key} FROM t WHERE true${after} ORDER BY ${key} LIMIT ${ROWS_A_BATCH}),
      updated AS (UPDATE t SET new = old FROM batch WHERE ${same})
      SELECT ${last} AS last FROM batch ORDER BY ${backwards} LIMIT 1`,
    );
  },
};

function ours(workers: number): Method {
  return {
    name: `triphase, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    missing: () => null,
    prepare: withOurSync,
    async run({ openWork }) {
      const { work, close } = await openWork();
      await work.context.backfill({ table: 't', set: { new: 'old' }, where: 'old IS DISTINCT FROM new', workers });
      await work.succeeded();
      await close();
    },
  };
}

export const METHODS: readonly Method[] = [oneUpdate, pgroll, keyset, ours(1), ours(2)];

/** Batch after batch, each in a transaction, until one finds nothing. */
async function byKey(db: pg.Client, { columns }: BenchTable, statement: (after: string) => string): Promise<void> {
  let last: readonly string[] | null = null;
  for (;;) {
    const values: string = (last ?? []).map((value) => `'${value}'`).join(', ');
    const after: string = last === null ? '' : ` AND (${columns.join(', ')}) > (${values})`;
    await db.query('BEGIN');
    const found = await db.query<{ last: string[] }>(statement(after));
    await db.query('COMMIT');
    const row: { last: string[] } | undefined = found.rows[0];
    if (row === undefined) return;
    last = row.last;
  }
}

/** A trigger that none of the writes fires: PostgreSQL locks each row before it asks which triggers BEFORE UPDATE are to run. */
export const IDLE_TRIGGER = `CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER idle BEFORE UPDATE OF new ON t_idle FOR EACH ROW EXECUTE FUNCTION idle()`;
