import { parseRelease } from '../domain/release.ts';
import { targetRelease } from '../project/target-release.ts';
import { dryRun as runDry } from '../runner/dry-run.ts';
import { coded } from './coded.ts';
import { read } from './options.ts';
import { open } from './project.ts';
import type { MigrateOptions } from './runs.ts';

/** Every statement that `migrate` would run, as a script that psql accepts. Writes nothing. */
export async function dryRun(options: MigrateOptions = {}): ReturnType<typeof runDry> {
  const { release, running, maintenance, slowRoll, runBaseline, stragglerWindow, ...rest } = read('dryRun', options);
  return coded(async () => {
    const opened = await open(rest, stragglerWindow);
    return runDry({
      ...opened,
      release: targetRelease(opened.project, release),
      maintenance,
      slowRoll,
      runBaseline,
      running: running === undefined ? null : parseRelease(running),
    });
  });
}
