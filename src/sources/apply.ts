import { PhaseError } from '../domain/errors/phase-error.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Statement } from '../schema/statement.ts';

/**
 * Runs statements in order: those that can in one transaction, as long as none comes in between that cannot.
 * @throws PH5030; then what ran before the transaction stays.
 */
export async function applyStatements(database: Database, statements: readonly Statement[]): Promise<void> {
  await withConnection({ ...database, applicationName: 'phase sync' }, async (db) => {
    await db.query('SET check_function_bodies = off');
    let isOpen = false;
    for (const { sql, isAlone } of statements) {
      if (isAlone === isOpen) await db.query(isOpen ? 'COMMIT' : 'BEGIN');
      isOpen = !isAlone;
      try {
        await db.query(sql);
      } catch (error) {
        if (isOpen) await db.query('ROLLBACK');
        throw new PhaseError('PH5030', { statement: sql, reason: reasonOf(error) }, { cause: error });
      }
    }
    if (isOpen) await db.query('COMMIT');
  });
}
