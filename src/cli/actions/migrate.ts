import { dryRun } from '../../api/dry-run.ts';
import { finish, migrate } from '../../api/runs.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { MigrateResult } from '../../domain/results.ts';
import { parseDuration } from '../../project/duration.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import { partOf } from '../interrupted.ts';
import type { Result } from '../output.ts';

interface MigrateFlags {
  release?: string;
  maintenance?: boolean;
  slowRoll?: boolean;
  runBaseline?: boolean;
  running?: string;
  stragglerWindow?: string;
  dryRun?: boolean;
}

export async function runMigrate(context: CommandContext, { dryRun: isDry, ...flags }: MigrateFlags): Promise<Result> {
  ensureDuration(flags);
  if (flags.maintenance && flags.running !== undefined) {
    throw new PhaseError('PH1015', {
      what: '--running',
      value: flags.running,
      allowed: 'a release, without --maintenance: then nothing is running',
    });
  }
  const options = { ...(await context.project()), ...flags };
  if (!isDry) return resultOf(context, () => migrate(options));
  const { plan, script, statements, remaining } = await dryRun(options);
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

export async function runFinish(
  context: CommandContext,
  flags: Pick<MigrateFlags, 'stragglerWindow'>,
): Promise<Result> {
  ensureDuration(flags);
  const options = { ...(await context.project()), ...flags };
  return resultOf(context, () => finish(options));
}

async function resultOf({ output }: CommandContext, run: () => Promise<MigrateResult>): Promise<Result> {
  const { result, error } = await partOf(run);
  const { applied, held, to, remaining } = result;
  const lines = [
    `${count(applied.length, 'migration')} applied, up to ${to}`,
    ...held.map((id) => `${output.paint('yellow', 'held')} ${id} until phase finish`),
    ...(remaining.length === 0 ? [] : [`remaining: ${remaining.join(', ')}`]),
  ];
  return { document: result, text: lines.join('\n'), error, exitCode: remaining.length > 0 ? 3 : 0 };
}

/** @throws PH1015 naming the flag. */
function ensureDuration({ stragglerWindow }: Pick<MigrateFlags, 'stragglerWindow'>): void {
  if (stragglerWindow !== undefined) parseDuration('--straggler-window', stragglerWindow);
}
