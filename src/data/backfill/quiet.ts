import { PhaseError } from '../../domain/errors/phase-error.ts';
import { codeOf, reasonOf, sqlState } from '../../postgres/errors.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { inRolledBackTransaction } from '../../postgres/transaction.ts';

/** Said in each batch: triggers that are not ENABLE ALWAYS keep quiet. */
export const QUIET = 'SET LOCAL session_replication_role = replica';

/** Keeping the application's triggers quiet takes a right that few roles have. @throws PH5016 */
export async function ensureMayQuiet(db: Queryable): Promise<void> {
  try {
    await inRolledBackTransaction(db, () => db.query(QUIET));
  } catch (error) {
    if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
    throw new PhaseError('PH5016', { reason: reasonOf(error) }, { cause: error });
  }
}

/** The same as a question. */
export async function mayQuiet(db: Queryable): Promise<boolean> {
  return ensureMayQuiet(db).then(
    () => true,
    (error) => {
      if (error instanceof PhaseError) return false;
      throw error;
    },
  );
}
