import { PhaseError } from '../../domain/errors/phase-error.ts';
import { parseRelease } from '../../domain/release.ts';
import { targetRelease } from '../../project/target-release.ts';
import { dryRun } from '../../runner/dry-run.ts';
import { finish, type MigrateResult, migrate } from '../../runner/migrate.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface MigrateFlags {
  release?: string;
  maintenance?: boolean;
  slowRoll?: boolean;
  running?: string;
  stragglerWindow?: string;
  dryRun?: boolean;
}

export async function runMigrate(context: CommandContext, flags: MigrateFlags): Promise<Result> {
  const options = {
    ...(await context.runner(flags)),
    maintenance: flags.maintenance ?? false,
    slowRoll: flags.slowRoll ?? false,
    running: flags.running === undefined ? null : parseRelease(flags.running),
  };
  if (options.maintenance && flags.running !== undefined) {
    throw new PhaseError('PH1015', {
      what: '--running',
      value: flags.running,
      allowed: 'a release, without --maintenance: then nothing is running',
    });
  }
  const release = targetRelease(options.project, flags.release);
  if (flags.dryRun) {
    const { plan, script, statements, remaining } = await dryRun({ ...options, release });
    const document = {
      from: plan.from,
      to: plan.to,
      applied: [],
      held: plan.held,
      failed: null,
      durationMs: 0,
      statements,
      remaining,
    };
    return { document, text: script, exitCode: remaining.length > 0 ? 3 : 0 };
  }
  return resultOf(context, await migrate({ ...options, release }));
}

function resultOf({ output }: CommandContext, { error, remaining, ...result }: MigrateResult): Result {
  const lines = [
    `${result.applied.length} ${result.applied.length === 1 ? 'migration' : 'migrations'} applied, up to ${result.to}`,
    ...result.held.map((id) => `${output.paint('yellow', 'held')} ${id} until phase finish`),
    ...(remaining.length === 0 ? [] : [`remaining: ${remaining.join(', ')}`]),
  ];
  return { document: { ...result, remaining }, text: lines.join('\n'), error, exitCode: remaining.length > 0 ? 3 : 0 };
}

export async function runFinish(context: CommandContext, flags: MigrateFlags): Promise<Result> {
  return resultOf(context, await finish(await context.runner(flags)));
}
