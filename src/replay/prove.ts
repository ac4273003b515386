import { changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration, Plan } from '../domain/plan.ts';
import { type AllowedOrder, allowedOrders } from '../planner/allowed-orders.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { diffSchemas } from '../schema/diff.ts';
import { baseOf, withReplay } from './replay.ts';
import type { ShadowServer } from './shadow.ts';

export interface ProofOptions {
  readonly project: Project;
  readonly history: History;
  /** Every migration up to the plan's target, in order. */
  readonly migrations: readonly OrderedMigration[];
  /** Gives numbers from 0 to 1. */
  random(): number;
  onOrder(name: string, number: number, count: number): void;
}

export interface Proof {
  /** How many orders were run; equal ones count once. */
  readonly orders: number;
  /** Those that end otherwise than in the order of the manifests. */
  readonly differences: readonly OrderDifference[];
}

interface OrderDifference {
  readonly order: string;
  readonly steps: readonly string[];
  /** In words; or the error of the step that failed. */
  readonly what: readonly string[];
}

const RANDOM_ORDERS = 20;

/**
 * Runs a plan on a shadow server with its held steps as early as allowed, as late as allowed, and in random orders
 * between, and compares the schemas.
 * @throws what a migration throws when they run in the order of the manifests.
 */
export async function provePlan(server: ShadowServer, plan: Plan, options: ProofOptions): Promise<Proof> {
  const { project, history, migrations, random, onOrder } = options;
  const applied = new Set(plan.steps.filter(({ state }) => state === 'applied').map(({ id }) => id));
  const pending = migrations.filter(({ id }) => !applied.has(id));
  const orders = allowedOrders(pending, new Set(plan.held), changesOf(history), { count: RANDOM_ORDERS, random });
  const base = await baseOf(
    { project, history },
    migrations.filter(({ id }) => applied.has(id)),
  );
  const run = (url: string, { steps }: AllowedOrder): Promise<void> =>
    withReplay({ project, history, url }, async (replay) => {
      for (const step of steps) await replay.run(step);
    });
  const [reference, ...others] = orders;
  if (!reference) return { orders: 0, differences: [] };
  return server.withClone(base, async (expected) => {
    onOrder(reference.name, 1, orders.length);
    await run(expected, reference);
    const differences: OrderDifference[] = [];
    for (const [index, order] of others.entries()) {
      onOrder(order.name, index + 2, orders.length);
      const what = await server.withClone(base, (url) => compare(expected, url, () => run(url, order)));
      if (what.length > 0) differences.push({ order: order.name, steps: order.steps.map(({ id }) => id), what });
    }
    return { orders: orders.length, differences };
  });
}

async function compare(expected: string, url: string, run: () => Promise<void>): Promise<string[]> {
  try {
    await run();
  } catch (error) {
    if (error instanceof PhaseError) return [`${error.code} ${error.message} ${error.why}`];
    throw error;
  }
  return diffSchemas(expected, url);
}
