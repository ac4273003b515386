import { PhaseError } from '../domain/errors/phase-error.ts';
import { globPattern } from '../domain/glob.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { orderMigrations } from '../planner/order.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import { readOwnLedger } from '../runner/own-ledger.ts';
import { compareSchemas, type Difference } from '../schema/compare.ts';
import { majorOf } from '../schema/facts.ts';
import { readPlace, type Surroundings, withSteps } from './open.ts';

export interface Drift {
  readonly differences: readonly Difference[];
  /** Found, and named in the configuration as meant. */
  readonly ignored: readonly Difference[];
  /** Kinds of objects that are there, and that nobody compares. */
  readonly uncompared: readonly string[];
}

/**
 * Compares a database with what the migrations of its ledger give in an empty one.
 * @param ignored patterns for objects, besides those of the configuration.
 * @throws PH3004 for a migration that ran and is in no manifest; what the migrations throw.
 */
export async function findDrift(surroundings: Surroundings, ignored: readonly string[]): Promise<Drift> {
  const { project, database } = surroundings;
  const steps = await stepsThatRan(surroundings, database);
  const found = await readPlace(project, database);
  const all = await withSteps(surroundings, steps, async ({ database: replayed }) => {
    const wanted = await readPlace(project, replayed);
    return compareSchemas(found, wanted, majorOf(found) === majorOf(wanted));
  });
  const patterns = [...project.config.drift.ignore.map(({ object }) => object), ...ignored].map(globPattern);
  const isIgnored = ({ object }: Difference): boolean => patterns.some((pattern) => pattern.test(object));
  return {
    differences: all.filter((one) => !isIgnored(one)),
    ignored: all.filter(isIgnored),
    uncompared: found.unread,
  };
}

/** In the order in which they ran. */
export async function stepsThatRan(
  { project, history }: Pick<Surroundings, 'project' | 'history'>,
  database: Database,
): Promise<OrderedMigration[]> {
  const { rows } = await withConnection({ ...database, applicationName: 'phase drift' }, (db) =>
    readOwnLedger(db, project, history, { asks: true }),
  );
  const known = new Map(orderMigrations(history.manifests).map((step) => [step.id, step]));
  const applied = rows.filter(({ state }) => state === 'applied').map(({ id }) => id);
  const unknown = applied.filter((id) => !known.has(id));
  if (unknown.length > 0) throw new PhaseError('PH3004', { ids: unknown });
  return applied.flatMap((id) => known.get(id) ?? []);
}
