import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Plan } from '../../domain/plan.ts';
import { parseRelease } from '../../domain/release.ts';
import type { Project } from '../../project/config.ts';
import { writeFiles } from '../../project/files.ts';
import { targetRelease } from '../../project/target-release.ts';
import { provePlan } from '../../replay/prove.ts';
import { seeded } from '../../replay/random.ts';
import { withShadowServer } from '../../replay/server.ts';
import { planMermaid } from '../../report/plan-mermaid.ts';
import { planPage } from '../../report/plan-page.ts';
import { type Paint, planText } from '../../report/plan-text.ts';
import { type PlanOutcome, planFromLedger, planWithoutDatabase } from '../../runner/plan.ts';
import type { CommandContext } from '../context.ts';
import { formatNamed, type PlanFormat } from '../formats.ts';
import type { Result } from '../output.ts';

interface PlanFlags {
  from?: string;
  to?: string;
  format: string;
  maintenance?: boolean;
  out?: string;
  force?: boolean;
  prove?: boolean;
  seed?: string;
}

/** How each format shows a plan. */
const FORMATS: Record<PlanFormat, (plan: Plan, paint: Paint) => string> = {
  text: planText,
  json: (plan) => JSON.stringify(documentOf(plan), null, 2),
  mermaid: planMermaid,
  html: planPage,
};

export async function runPlan(context: CommandContext, flags: PlanFlags): Promise<Result> {
  const show = formatNamed(FORMATS, flags.format);
  const project = await context.openProject();
  const to = targetRelease(project, flags.to);
  const maintenance = flags.maintenance ?? false;
  const outcome =
    flags.from === undefined
      ? await planFromLedger(project, context.databaseUrl(project), to, maintenance)
      : await planWithoutDatabase(project, parseRelease(flags.from), to, maintenance);
  const shown = await showPlan(context, outcome, show, flags);
  return flags.prove ? withProof(context, project, outcome, shown, flags.seed) : shown;
}

async function showPlan(
  context: CommandContext,
  { plan, refusal }: PlanOutcome,
  show: (plan: Plan, paint: Paint) => string,
  flags: PlanFlags,
): Promise<Result> {
  const document = documentOf(plan);
  if (flags.out === undefined) {
    return { document, text: show(plan, (style, text) => context.output.paint(style, text)), error: refusal };
  }
  const format = context.output.options.json && flags.format === 'text' ? 'json' : flags.format;
  const content = formatNamed(FORMATS, format)(plan, (_style, text) => text);
  const file = resolve(context.surroundings.cwd, flags.out);
  if (flags.force !== true) await ensureNothingElse(file, flags.out);
  await writeFiles(dirname(file), [{ path: basename(file), content: `${content.trimEnd()}\n`, mode: 'replace' }]);
  return { document, text: `wrote ${flags.out}`, error: refusal };
}

/** How what `--out` has written begins, in each format. */
const OWN = [
  /^from .+ to .+\n(?:Not in one jump|In maintenance|Nothing is left|Without downtime)/,
  /^\{\n {2}"from": .+,\n {2}"to": .+,\n {2}"mode": /,
  /^flowchart TB\n {2}%% /,
  /^<!doctype html>[\s\S]{0,400}<meta name="generator" content="phase plan">/,
];

/** A plan takes the place of an earlier one, and of nothing else. @throws PH1011 */
async function ensureNothingElse(file: string, named: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // What cannot be read is something else, too.
    return error.code === 'ENOENT' ? null : 'unknown';
  });
  if (before === null || before === '' || OWN.some((beginning) => beginning.test(before))) return;
  throw new PhaseError('PH1011', { files: [named], force: true });
}

/** What was shown, and whether every order that is allowed ends in the same schema. */
async function withProof(
  context: CommandContext,
  project: Project,
  { plan, history, migrations }: PlanOutcome,
  shown: Result,
  given: string | undefined,
): Promise<Result> {
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : parseSeed(given);
  const random = seeded(seed);
  const onOrder = (name: string, number: number, count: number): void =>
    context.output.notice(`${number} of ${count}: ${name}`);
  const { orders, differences } = await withShadowServer(
    { root: project.root, url: context.shadowUrl(project) },
    (server) => provePlan(server, plan, { project, history, migrations, random, onOrder }),
  );
  const lines = [
    differences.length === 0
      ? `Proved: ${orders} ${orders === 1 ? 'order is allowed, and it runs' : 'allowed orders end in the same schema'}.`
      : `${differences.length} of ${orders} allowed orders end otherwise (--seed ${seed} repeats them):`,
    ...differences.flatMap(({ order, what }) => [`  ${order}`, ...what.map((line) => `    ${line}`)]),
  ];
  return {
    ...shown,
    document: { ...shown.document, proof: { orders, differences, seed } },
    text: `${shown.text}\n\n${lines.join('\n')}`,
    exitCode: differences.length === 0 ? 0 : 7,
  };
}

function parseSeed(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new PhaseError('PH1015', { what: '--seed', value: text, allowed: 'a whole number' });
}

function documentOf({ blocked, stops, ...plan }: Plan): object {
  return { ...plan, stops: stops.map(({ release }) => release), forcedBy: stops, blocked };
}
