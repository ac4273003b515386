import { orderMigrations } from '../planner/order.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { withReplay } from './replay.ts';
import { withShadowServer } from './server.ts';

export interface RunOnEmptyOptions {
  readonly project: Project;
  readonly history: History;
  /** Of a server; undefined for an embedded one. */
  readonly shadow: string | undefined;
}

/** Runs all migrations of the manifests as a fresh installation would. @throws what the first of them throws that fails. */
export function runOnEmpty({ project, history, shadow }: RunOnEmptyOptions): Promise<void> {
  const steps = orderMigrations(history.manifests);
  return withShadowServer({ project, url: shadow }, (server) =>
    server.withDatabase((url) =>
      withReplay({ project, history, url }, async (replay) => {
        for (const step of steps) await replay.run(step);
      }),
    ),
  );
}
