import { PhaseError } from '../domain/errors/phase-error.ts';

/** What a run did, also where it failed in its middle; what failed before anything could have been done is thrown. */
export async function partOf<R extends object>(
  run: () => Promise<R>,
): Promise<{ result: R; error: PhaseError | null }> {
  try {
    return { result: await run(), error: null };
  } catch (error) {
    if (error instanceof PhaseError && error.result !== undefined) return { result: error.result as R, error };
    throw error;
  }
}
