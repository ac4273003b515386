import { orderMigrations } from '../planner/order.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { withShadowServer } from './server.ts';
import { observeTouches } from './touches.ts';

export interface RunOnEmptyOptions {
  readonly project: Project;
  readonly history: History;
  /** Of a server; undefined for an embedded one. */
  readonly shadow: string | undefined;
}

/**
 * Runs all migrations of the manifests as a fresh installation would, and keeps what has become of the database for those that come.
 * @throws what the first of them throws that fails.
 */
export async function runOnEmpty({ project, history, shadow }: RunOnEmptyOptions): Promise<void> {
  const steps = orderMigrations(history.manifests);
  const all = new Set(steps.map(({ id }) => id));
  const { failed } = await withShadowServer({ project, url: shadow }, (server) =>
    observeTouches(server, { project, history }, steps, all),
  );
  if (failed !== null) throw failed.error;
}
