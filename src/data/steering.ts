import type { RunSettings } from '../domain/run-settings.ts';
import { enterRun, type RunState } from '../ledger/runs.ts';
import type { Connection } from '../postgres/connection.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { queued } from '../postgres/queued.ts';
import { RunControl } from './run-control.ts';
import { Throttle } from './throttle/throttle.ts';

/** What steers work in batches: its control row, what it waits for, and the connection that both are read on. */
export interface Steering {
  readonly side: Queryable;
  readonly control: RunControl;
  readonly throttle: Throttle;
  end(state: Exclude<RunState, 'running' | 'paused'>, error?: { code: string; message: string }): Promise<void>;
}

export interface SteeringOptions {
  readonly kind: 'migration' | 'task';
  readonly name: string;
  readonly run: string;
  readonly toolVersion: string;
  /** The run's row, where there is one already. */
  readonly runNumber?: string;
  readonly runSettings: RunSettings;
  connect(): Promise<Connection>;
}

/** Opens the connection, and enters the run where it is not entered yet. */
export async function steer(options: SteeringOptions): Promise<Steering> {
  const client = await options.connect();
  const side = queued(client);
  const control = new RunControl(side, options.runNumber ?? (await enterRun(side, options)), options.runSettings);
  return {
    side,
    control,
    throttle: new Throttle(side, control),
    async end(state, error) {
      await control.finish(state, error).catch(() => undefined);
      await client.end().catch(() => undefined);
    },
  };
}
