import { PhaseError } from '../domain/errors/phase-error.ts';
import { recordGate } from '../ledger/gates.ts';
import type { LedgerDb } from '../postgres/queryable.ts';

/** Runs the gate of a phase, and enters into the ledger what comes of it: what it has found, or why it refuses. */
export async function recorded<T extends object>(
  db: LedgerDb,
  { rename, phase }: { readonly rename: string; readonly phase: 2 | 3 },
  gate: () => Promise<T>,
): Promise<T> {
  try {
    const result = await gate();
    await recordGate(db, { rename, phase, errorCode: null, result });
    return result;
  } catch (error) {
    if (error instanceof PhaseError) {
      const { code: errorCode, message, details } = error;
      await recordGate(db, { rename, phase, errorCode, result: { message, details } });
    }
    throw error;
  }
}
