import type { LedgerDb } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';

/** What came of a gate. */
export interface GateOutcome {
  readonly rename: string;
  readonly phase: 2 | 3;
  /** Of the refusal; null when it let the step through. */
  readonly errorCode: string | null;
  /** What it has found. */
  readonly result: object;
}

/** Enters what came of a gate. */
export async function recordGate(db: LedgerDb, { rename, phase, errorCode, result }: GateOutcome): Promise<void> {
  await db.query(
    `INSERT INTO ${ledgerOf(db)}.gates (rename, phase, passed, error_code, result) VALUES ($1, $2, $3, $4, $5)`,
    [rename, phase, errorCode === null, errorCode, JSON.stringify(result)],
  );
}
