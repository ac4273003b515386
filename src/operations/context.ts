import type { Knex } from 'knex';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import type { Rename } from '../domain/rename.ts';
import type { LockPatience } from '../postgres/retry.ts';

/** What the functions that migrations call have to know; the runner puts it into knex's user parameters. */
export interface OperationContext {
  /** The project's folder. */
  readonly root: string;
  readonly renames: ReadonlyMap<string, Rename>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly moves: ReadonlyMap<string, Move>;
  readonly patience: LockPatience;
  readonly stragglerWindowMs: number;
  /** The largest table that may be locked for as long as it is read or written. */
  readonly rewriteLimitBytes: number;
  /** Statements are only printed, so nothing can be read back. */
  readonly dryRun: boolean;
  /** The migration was scaffolded: names in its statements are qualified, but for those of PostgreSQL itself. */
  readonly isScaffolded?: boolean;
  /** Gates that have been passed in this run, each as `gateKey` names it; null where nobody checks any. */
  readonly passedGates: Set<string> | null;
  /** Lets the columns of renames that are under way follow what was altered, in the same transaction; not there where nobody keeps them. */
  readonly follow?: (trx: Knex.Transaction) => Promise<void>;
}

/** A gate by its rename and phase. */
export function gateKey(rename: string, phase: 2 | 3): string {
  return `${phase} ${rename}`;
}

const KEY = 'triphase';

/** A knex that carries the context into migrations. */
export function withContext(knex: Knex, context: OperationContext): Knex {
  return knex.withUserParams({ ...knex.userParams, [KEY]: context });
}

/** The same knex for a migration that was scaffolded. */
export function asScaffolded(knex: Knex): Knex {
  return withContext(knex, { ...contextOf(knex), isScaffolded: true });
}

/** The context of a migration; under knex's own command line the defaults, with the current folder as the project. */
export function contextOf(knex: Knex): OperationContext {
  const params = knex.userParams as Record<string, OperationContext> | undefined;
  return (
    params?.[KEY] ?? {
      root: process.cwd(),
      renames: new Map(),
      mappings: new Map(),
      moves: new Map(),
      patience: { lockTimeoutMs: 500, attempts: 15 },
      stragglerWindowMs: 600_000,
      rewriteLimitBytes: 16 * 1_024 * 1_024,
      dryRun: false,
      passedGates: null,
    }
  );
}
