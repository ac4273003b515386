import type pg from 'pg';
import { newConnection } from '../support/database.ts';
import { median, rotated } from './measure.ts';
import { IDLE_TRIGGER } from './methods.ts';
import { syncOf } from './tables.ts';

/** Writes to another column of rows with large values, with each form of the sync, and what share of the rate without one is lost. */
export interface LargeValueLine {
  readonly size: string;
  readonly trigger: string;
  readonly rowsASecond: number;
  readonly loss: number;
}

const SIZES = [
  { name: '10 kB', bytes: 10_000, rows: 2_000 },
  { name: '100 kB', bytes: 100_000, rows: 400 },
  { name: '1 MB', bytes: 1_000_000, rows: 60 },
];
const SLICE_MS = 300;
const SLICES_A_ROUND = 6;

/** What compares both columns at every update, as the sync did once. */
const COMPARING = `CREATE FUNCTION compared() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.new := NEW.old; RETURN NEW; END';
  CREATE TRIGGER compared BEFORE INSERT OR UPDATE ON t_compared FOR EACH ROW WHEN (NEW.old IS DISTINCT FROM NEW.new) EXECUTE FUNCTION compared()`;

const TABLES = ['t_none', 't_ours', 't_idle', 't_compared'] as const;
const NAMES = {
  t_none: 'none',
  t_ours: "triphase's",
  t_idle: 'one that never fires',
  t_compared: 'full comparison',
} as const;

/** Prepared statements by key, one client; the forms take turns in short slices. Values half of which compression saves. */
export async function benchLargeValues(
  url: string,
  rounds: number,
  tell: (text: string) => void,
): Promise<LargeValueLine[]> {
  const db = newConnection({ connectionString: url });
  db.on('error', () => undefined);
  await db.connect();
  const sync = await syncOf(db);
  const lines: LargeValueLine[] = [];
  for (const { name, bytes, rows } of SIZES) {
    await makeTables(db, { bytes, rows, sync });
    const rates = new Map<string, number[]>();
    for (let round = 0; round < rounds * SLICES_A_ROUND; round++) {
      for (const table of rotated(TABLES, round)) {
        rates.set(table, [...(rates.get(table) ?? []), await rateOf(db, table, rows)]);
      }
    }
    const plain = rates.get('t_none') ?? [];
    for (const table of TABLES) {
      const own = rates.get(table) ?? [];
      const loss = 1 - median(own.map((rate, at) => rate / (plain[at] ?? rate)));
      lines.push({ size: name, trigger: NAMES[table], rowsASecond: Math.round(median(own)), loss });
    }
    tell(`large values, ${name}`);
  }
  await db.end();
  return lines;
}

async function makeTables(
  db: pg.Client,
  { bytes, rows, sync }: { readonly bytes: number; readonly rows: number; readonly sync: string },
): Promise<void> {
  await db.query('DROP TABLE IF EXISTS t');
  for (const table of TABLES) {
    await db.query(`DROP TABLE IF EXISTS ${table} CASCADE`);
    await db.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, amount int, old text, new text)`);
    await db.query(
      `INSERT INTO ${table} SELECT n, 0, v, v FROM generate_series(1, ${rows}) AS n, LATERAL (
         SELECT string_agg(md5(n || ' ' || k) || repeat('x', 32), '') AS v FROM generate_series(1, ${Math.ceil(bytes / 64)}) AS k) AS made`,
    );
  }
  await db.query('DROP FUNCTION IF EXISTS compared, idle CASCADE');
  await db.query(COMPARING);
  await db.query(IDLE_TRIGGER);
  await db.query(sync.replaceAll('"public"."t"', 't_ours'));
  await db.query('VACUUM ANALYZE');
}

async function rateOf(db: pg.Client, table: string, rows: number): Promise<number> {
  const began = performance.now();
  let statements = 0;
  for (; performance.now() - began < SLICE_MS; statements++) {
    const id = 1 + Math.floor(Math.random() * rows);
    await db.query({
      name: `large ${table}`,
      text: `UPDATE ${table} SET amount = amount + 1 WHERE id = $1`,
      values: [id],
    });
  }
  return statements / ((performance.now() - began) / 1_000);
}
