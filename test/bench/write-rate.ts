import pg from 'pg';
import { median } from './measure.ts';
import { PGROLL_TRIGGER } from './methods.ts';
import { benchTable, makeTable, syncOf } from './tables.ts';

/** Rows a second of writes, with each kind of trigger, and what share of the rate without one is lost. */
export interface WriteRateLine {
  readonly writes: string;
  readonly trigger: string;
  readonly rowsASecond: number;
  readonly loss: number;
}

const ROWS = 200_000;
const SECONDS = 3;
const ROWS_A_STATEMENT = 1_000;

const TRIGGERS = [
  { name: 'none', sql: () => 'SELECT 1' },
  { name: "triphase's", sql: (sync: string) => sync },
  {
    name: "pgroll's form",
    sql: () => `ALTER TABLE t ADD COLUMN needs_backfill boolean DEFAULT true; ${PGROLL_TRIGGER}`,
  },
];

const WRITES = [
  { name: 'another column, a row a transaction', set: 'amount = amount + 1', size: 1 },
  { name: 'the column, a row a transaction', set: `old = 'w' || $2`, size: 1 },
  { name: 'another column, 1,000 rows a statement', set: 'amount = amount + 1', size: ROWS_A_STATEMENT },
  { name: 'the column, 1,000 rows a statement', set: `old = 'w' || $2`, size: ROWS_A_STATEMENT },
];

/** As pgbench does it: prepared statements by key, as fast as they go; the triggers in turn, in rounds. */
export async function benchWriteRate(
  url: string,
  rounds: number,
  tell: (text: string) => void,
): Promise<WriteRateLine[]> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  const sync = await syncOf(db);
  const rates = new Map<string, number[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const trigger of TRIGGERS) {
      await makeTable(db, benchTable('bigint', ROWS));
      // In step from the beginning, so that a write to another column has nothing to carry over.
      await db.query('UPDATE t SET new = old');
      await db.query('VACUUM FULL t');
      await db.query(trigger.sql(sync));
      for (const write of WRITES) {
        await db.query('CHECKPOINT');
        const key = `${write.name}|${trigger.name}`;
        rates.set(key, [...(rates.get(key) ?? []), await rateOf(db, write)]);
      }
    }
    tell(`write rate, round ${round} of ${rounds}`);
  }
  await db.query('DROP TABLE t');
  await db.end();
  return WRITES.flatMap((write) =>
    TRIGGERS.map((trigger) => {
      const own = rates.get(`${write.name}|${trigger.name}`) ?? [];
      const plain = rates.get(`${write.name}|none`) ?? [];
      const loss = 1 - median(own.map((rate, at) => rate / (plain[at] ?? rate)));
      return { writes: write.name, trigger: trigger.name, rowsASecond: Math.round(median(own)), loss };
    }),
  );
}

async function rateOf(db: pg.Client, { name, set, size }: (typeof WRITES)[number]): Promise<number> {
  const isValue = set.includes('$2');
  const text = `UPDATE t SET ${set} WHERE id ${size === 1 ? '= $1' : `BETWEEN $1 AND $1::bigint + ${size - 1}`}`;
  const began = performance.now();
  let statements = 0;
  for (; performance.now() - began < SECONDS * 1_000; statements++) {
    const id = 1 + Math.floor(Math.random() * (ROWS - size));
    await db.query({ name, text, values: isValue ? [id, String(statements)] : [id] });
  }
  await db.query('DEALLOCATE ALL');
  return (statements * size) / ((performance.now() - began) / 1_000);
}
