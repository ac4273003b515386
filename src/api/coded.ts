import { asPhaseError } from '../postgres/known-error.ts';

/** Whatever fails has a code. */
export async function coded<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw asPhaseError(error);
  }
}
