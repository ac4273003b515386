import { targetRelease } from '../project/target-release.ts';
import { type WaitResult, waitFor } from '../runner/wait.ts';
import { coded } from './coded.ts';
import { read } from './options.ts';
import { open, type ProjectOptions } from './project.ts';

/** As of `phase wait`. */
export interface WaitOptions extends ProjectOptions {
  readonly release?: string | undefined;
  /** Seconds, or a text such as `2min`; 60 seconds when left out. */
  readonly timeout?: string | number | undefined;
}

/**
 * Waits until a release can start: everything up to it is applied or held. A time-out is no error: `ready` is false then.
 * @throws PH2009 when a step that ran has broken the release, PH5029 when what it waits for has failed meanwhile and is not tried again.
 */
export async function wait(options: WaitOptions = {}): Promise<WaitResult> {
  const { release, timeout, ...rest } = read('wait', options);
  return coded(async () => {
    const { project, database, onEvent } = await open(rest);
    return waitFor({
      project,
      database,
      release: targetRelease(project, release),
      timeoutMs: timeout,
      onWait: (message, missing) => onEvent({ type: 'waiting', message, missing }),
    });
  });
}
