import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Plan } from '../../domain/plan.ts';
import { parseRelease } from '../../domain/release.ts';
import { planFromLedger, planWithoutDatabase } from '../../runner/plan.ts';
import { targetRelease } from '../../runner/prepare.ts';
import type { Action } from '../action.ts';
import { type CommandContext, sayRelease } from '../context.ts';
import { type Result, table } from '../output.ts';

interface PlanFlags {
  from?: string;
  to?: string;
  format: string;
  maintenance?: boolean;
  out?: string;
}

const FORMATS = ['text', 'json'];

/** `phase plan` */
export function registerPlan(program: Command, action: Action): void {
  program
    .command('plan')
    .description('what a migrate would run, hold and refuse')
    .option('--from <version>', 'plan without a database: all manifests up to it count as applied')
    .option('--to <version>', 'the release to go to (else the configuration, else package.json)')
    .option('--format <format>', FORMATS.join(' or '), 'text')
    .option('--maintenance', 'nothing is alive: everything in order')
    .option('--out <file>', 'write it to a file')
    .addHelpText('after', '\nExample:\n  phase plan --from 1.0.0 --to 1.3.0')
    .action(action((context, command) => runPlan(context, command.opts<PlanFlags>())));
}

async function runPlan(context: CommandContext, flags: PlanFlags): Promise<Result> {
  if (!FORMATS.includes(flags.format)) {
    throw new PhaseError('PH1015', { what: '--format', value: flags.format, allowed: FORMATS.join(' or ') });
  }
  const project = await context.openProject();
  const to = targetRelease(project, flags.to);
  const maintenance = flags.maintenance ?? false;
  const { plan, refusal } =
    flags.from === undefined
      ? await planFromLedger(project, context.databaseUrl(project), to, maintenance)
      : await planWithoutDatabase(project, parseRelease(flags.from), to, maintenance);
  const document = documentOf(plan);
  const text = flags.format === 'json' ? JSON.stringify(document, null, 2) : describe(context, plan);
  if (flags.out === undefined) return { document, text, error: refusal };
  await writeFile(
    resolve(context.surroundings.cwd, flags.out),
    context.output.options.json ? JSON.stringify(document, null, 2) : `${text}\n`,
  );
  return { document, text: `wrote ${flags.out}`, error: refusal };
}

function documentOf({ blocked, stops, ...plan }: Plan): object {
  return { ...plan, stops: stops.map(({ release }) => release), forcedBy: stops, blocked };
}

function describe({ output }: CommandContext, plan: Plan): string {
  const states = { pending: 'runs', applied: output.paint('dim', 'applied'), held: output.paint('yellow', 'held') };
  const open = plan.steps.filter(({ state }) => state !== 'applied');
  const rows = open.map(({ id, kind, release, state, runnable }) => [
    release,
    states[state],
    kind,
    id,
    id === plan.pointOfNoReturn ? output.paint('red', 'point of no return') : '',
    `then able to run: ${runnable.join(', ') || 'none'}`,
  ]);
  return [
    `from ${sayRelease(plan.from)} to ${plan.to}${plan.mode === 'maintenance' ? ', in maintenance' : ''}`,
    rows.length === 0 ? 'nothing to run' : table(rows),
    ...(plan.held.length === 0 ? [] : ['held steps run with phase finish, after the roll-out']),
    ...(plan.stops.length === 0 ? [] : [`stop at: ${plan.stops.map(({ release }) => release).join(', ')}`]),
  ].join('\n');
}
