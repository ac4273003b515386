import { PhaseError } from '../domain/errors/phase-error.ts';
import { codeOf, isConnectionLost, reasonOf, sqlState } from './errors.ts';

/** Whatever was thrown, as an error with a code. @param during what was at work, for the message. */
export function asPhaseError(error: unknown, during = 'the command'): PhaseError {
  if (error instanceof PhaseError) return error;
  const cause = { cause: error };
  if (codeOf(error) === sqlState.insufficientPrivilege) {
    return new PhaseError('PH5008', { reason: reasonOf(error) }, cause);
  }
  if (isConnectionLost(error)) return new PhaseError('PH5004', { during }, cause);
  return new PhaseError('PH5000', { message: reasonOf(error) }, cause);
}
