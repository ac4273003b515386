import type { Connection } from '../../src/postgres/connection.ts';
import { newConnection } from '../support/database.ts';
import { openWork } from '../support/work.ts';
import { type Measured, measure, median } from './measure.ts';
import { METHODS, type Method } from './methods.ts';
import { type BenchTable, makeTable, syncOf } from './tables.ts';

/** The medians of one method on one table. */
export interface BackfillLine extends Measured {
  readonly table: string;
  readonly method: string;
  /** Why it was not run. */
  readonly missing: string | null;
  /** Rows a second by those of one UPDATE and of pgroll's algorithm, in the same round; the median. */
  readonly byUpdate: number | null;
  readonly byPgroll: number | null;
}

const NOTHING: Measured = {
  rowsASecond: 0,
  heap: 0,
  indexes: null,
  walMegabytes: 0,
  lock: { p50: 0, p99: 0, longest: 0 },
  clientCpu: 0,
};

/** Each method in turn, in rounds, each on a fresh table. */
export async function benchBackfill(
  url: string,
  tables: readonly BenchTable[],
  rounds: number,
  tell: (text: string) => void,
): Promise<BackfillLine[]> {
  const db = newConnection({ connectionString: url });
  db.on('error', () => undefined);
  await db.connect();
  const sync = await syncOf(db);
  const lines: BackfillLine[] = [];
  for (const table of tables) {
    const measured = new Map<Method, Measured[]>();
    for (let round = 1; round <= rounds; round++) {
      for (const method of METHODS.filter((one) => one.missing(table) === null)) {
        await makeTable(db, table);
        const tools = { db, table, sync, openWork: () => openFresh(url, db) };
        await method.prepare(tools);
        const found = await measure(db, table.rows, () => method.run(tools));
        measured.set(method, [...(measured.get(method) ?? []), found]);
        tell(
          `${table.key} ${table.rows} round ${round} ${method.name}: ${found.rowsASecond} rows/s, heap ${found.heap.toFixed(2)}`,
        );
      }
    }
    lines.push(...METHODS.map((method) => lineOf(table, method, measured)));
  }
  await db.query('DROP TABLE t');
  await db.end();
  return lines;
}

/** With the settings that users get. */
async function openFresh(url: string, db: Connection) {
  const opened = await openWork({ url, client: db }, { settingsOf: { batchDuration: 100 } });
  await db.query('TRUNCATE phase.backfills, phase.windows, phase.audits CASCADE');
  return opened;
}

function lineOf(table: BenchTable, method: Method, all: ReadonlyMap<Method, readonly Measured[]>): BackfillLine {
  const title = `${table.key}, ${(table.rows / 1e6).toString()} million rows`;
  const own = all.get(method);
  if (own === undefined) {
    const missing = method.missing(table);
    return { ...NOTHING, table: title, method: method.name, missing, byUpdate: null, byPgroll: null };
  }
  const by = (name: string): number | null => {
    const other = [...all].find(([{ name: one }]) => one.startsWith(name))?.[1];
    return other === undefined
      ? null
      : median(own.map(({ rowsASecond }, at) => rowsASecond / (other[at]?.rowsASecond ?? 1)));
  };
  const of = (value: (one: Measured) => number): number => median(own.map(value));
  return {
    table: title,
    method: method.name,
    missing: null,
    rowsASecond: of((one) => one.rowsASecond),
    heap: of((one) => one.heap),
    indexes: own[0]?.indexes === null ? null : of((one) => one.indexes ?? 0),
    walMegabytes: of((one) => one.walMegabytes),
    lock: { p50: of(({ lock }) => lock.p50), p99: of(({ lock }) => lock.p99), longest: of(({ lock }) => lock.longest) },
    clientCpu: of((one) => one.clientCpu),
    byUpdate: by('one UPDATE'),
    byPgroll: by('pgroll'),
  };
}
