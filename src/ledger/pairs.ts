import type { PairFacts, PairRecord, SyncGround } from '../domain/pair.ts';
import { all, type LedgerDb } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';

interface PairRow {
  rename: string;
  table: string;
  from: number;
  to: number;
  phase: 1 | 2;
  facts: PairFacts;
  ground: SyncGround;
  reviewed: Record<string, string>;
}

/** The pairs of all renames that are under way, by name of the rename. The ledger has to be up to date. */
export async function readPairs(db: LedgerDb): Promise<PairRecord[]> {
  const rows = await all<PairRow>(
    db,
    `SELECT rename, table_oid::int8::text AS "table", old_number AS "from", new_number AS "to", phase, facts, ground, reviewed
     FROM ${ledgerOf(db)}.pairs ORDER BY rename`,
  );
  return rows.map(({ rename, table, from, to, phase, facts, ground, reviewed }) => ({
    rename,
    table: Number(table),
    numbers: { from, to },
    phase,
    facts,
    ground,
    reviewed,
  }));
}

/** Keeps what a pair is now. */
export async function writePair(db: LedgerDb, record: PairRecord): Promise<void> {
  const { rename, table, numbers, phase, facts, ground, reviewed } = record;
  await db.query(
    `INSERT INTO ${ledgerOf(db)}.pairs (rename, table_oid, old_number, new_number, phase, facts, ground, reviewed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (rename) DO UPDATE SET table_oid = excluded.table_oid, old_number = excluded.old_number, new_number = excluded.new_number,
       phase = excluded.phase, facts = excluded.facts, ground = excluded.ground, reviewed = excluded.reviewed, updated_at = clock_timestamp()`,
    [
      rename,
      table,
      numbers.from,
      numbers.to,
      phase,
      JSON.stringify(facts),
      JSON.stringify(ground),
      JSON.stringify(reviewed),
    ],
  );
}

/** The rename has ended, or was undone: then nothing of it is left. */
export async function forgetPair(db: LedgerDb, rename: string, isUndone = false): Promise<void> {
  await db.query(`DELETE FROM ${ledgerOf(db)}.pairs WHERE rename = $1`, [rename]);
  if (isUndone) await db.query(`DELETE FROM ${ledgerOf(db)}.carried WHERE rename = $1`, [rename]);
}
