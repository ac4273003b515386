import type pg from 'pg';
import { newConnection } from '../support/database.ts';
import { median, rotated } from './measure.ts';
import { IDLE_TRIGGER, PGROLL_TRIGGER } from './methods.ts';
import { benchTable, makeTable, syncOf } from './tables.ts';

/** Rows a second of writes, with each kind of trigger, and what share of the rate without one is lost. */
export interface WriteRateLine {
  readonly writes: string;
  readonly trigger: string;
  readonly rowsASecond: number;
  readonly loss: number;
}

const ROWS = 200_000;
const SLICE_MS = 400;
export const SLICES_A_ROUND = 5;
export const ROWS_A_STATEMENT = 1_000;

const TRIGGERS = [
  { name: 'none', table: 't_none', sql: () => 'SELECT 1' },
  { name: "triphase's", table: 't_ours', sql: (sync: string) => sync.replaceAll('"public"."t"', 't_ours') },
  { name: 'one that never fires', table: 't_idle', sql: () => IDLE_TRIGGER },
  {
    name: "pgroll's form",
    table: 't_pgroll',
    sql: () =>
      `ALTER TABLE t_pgroll ADD COLUMN needs_backfill boolean DEFAULT true; ${PGROLL_TRIGGER.replaceAll(/\bt\./g, 't_pgroll.').replaceAll(' ON t ', ' ON t_pgroll ')}`,
  },
];

const WRITES: readonly Write[] = [
  { name: 'another column, a row a transaction', set: 'amount = amount + 1', size: 1 },
  { name: 'the column, a row a transaction', set: `old = 'w' || $2`, size: 1 },
  { name: 'another column, 1,000 rows a statement', set: 'amount = amount + 1', size: ROWS_A_STATEMENT },
  { name: 'the column, 1,000 rows a statement', set: `old = 'w' || $2`, size: ROWS_A_STATEMENT },
];

/**
 * As pgbench does it: prepared statements by key, as fast as they go, one client. The triggers take turns in short slices,
 * so that what the machine does besides falls on all of them.
 */
export async function benchWriteRate(
  url: string,
  rounds: number,
  tell: (text: string) => void,
): Promise<WriteRateLine[]> {
  const db = newConnection({ connectionString: url });
  db.on('error', () => undefined);
  await db.connect();
  const sync = await syncOf(db);
  for (const { table, sql } of TRIGGERS) {
    await makeTable(db, benchTable('bigint', ROWS));
    // In step from the beginning, so that a write to another column has nothing to carry over.
    await db.query('UPDATE t SET new = old');
    await db.query('VACUUM FULL t');
    await db.query(`ALTER TABLE t RENAME TO ${table}`);
    await db.query(`ALTER INDEX t_pkey RENAME TO ${table}_pkey`);
    await db.query(sql(sync));
  }
  const rates = new Map<string, number[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const write of WRITES) {
      for (let slice = 0; slice < SLICES_A_ROUND; slice++) {
        for (const { name, table } of rotated(TRIGGERS, slice)) {
          const key = `${write.name}|${name}`;
          rates.set(key, [...(rates.get(key) ?? []), await rateOf(db, { table, rows: ROWS }, write)]);
        }
      }
      for (const { table } of TRIGGERS) await db.query(`VACUUM ${table}`);
    }
    tell(`write rate, round ${round} of ${rounds}`);
  }
  for (const { table } of TRIGGERS) await db.query(`DROP TABLE ${table}`);
  await db.query('DROP FUNCTION idle()');
  await db.end();
  return WRITES.flatMap((write) =>
    TRIGGERS.map(({ name }) => {
      const own = rates.get(`${write.name}|${name}`) ?? [];
      const plain = rates.get(`${write.name}|none`) ?? [];
      const loss = 1 - median(own.map((rate, at) => rate / (plain[at] ?? rate)));
      return { writes: write.name, trigger: name, rowsASecond: Math.round(median(own)), loss };
    }),
  );
}

/** A statement in a loop: of one row by its key, or of so many from it. `$2` is a value that changes. */
export interface Write {
  readonly name: string;
  readonly set: string;
  readonly size: number;
}

/** Rows a second of a table with keys from 1 on, in one slice. */
export async function rateOf(
  db: pg.Client,
  { table, rows }: { readonly table: string; readonly rows: number },
  { name, set, size }: Write,
): Promise<number> {
  const isValue = set.includes('$2');
  const text = `UPDATE ${table} SET ${set} WHERE id ${size === 1 ? '= $1' : `BETWEEN $1 AND $1::bigint + ${size - 1}`}`;
  const began = performance.now();
  let statements = 0;
  for (; performance.now() - began < SLICE_MS; statements++) {
    const id = 1 + Math.floor(Math.random() * (rows - size));
    await db.query({ name: `${table} ${name}`, text, values: isValue ? [id, String(statements)] : [id] });
  }
  return (statements * size) / ((performance.now() - began) / 1_000);
}
