import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type PlanResult, plan as planOf } from '../../api/plan.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Plan } from '../../domain/plan.ts';
import { writeFiles } from '../../project/files.ts';
import { readHistory } from '../../project/history.ts';
import { provePlan } from '../../replay/prove.ts';
import { seeded } from '../../replay/random.ts';
import { withShadowServer } from '../../replay/server.ts';
import { planMermaid } from '../../report/plan-mermaid.ts';
import { planPage } from '../../report/plan-page.ts';
import { type Paint, planText } from '../../report/plan-text.ts';
import { targetOf } from '../../runner/prepare.ts';
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

type PlanDocument = Omit<PlanResult, 'refusal'>;
type Show = (document: PlanDocument, paint: Paint) => string;

/** How each format shows a plan. */
const FORMATS: Record<PlanFormat, Show> = {
  text: (document, paint) => [planText(planIn(document), paint), ...approvalLines(document, paint)].join('\n'),
  json: (document) => JSON.stringify(document, null, 2),
  mermaid: (document) => planMermaid(planIn(document)),
  html: (document) => planPage(planIn(document)),
};

function approvalLines({ approvals }: PlanDocument, paint: Paint): string[] {
  if (approvals.length === 0) return [];
  const lines = approvals.map(({ id, needed, by }) => {
    const said = by.length === 0 ? 'nobody' : by.join(', ');
    return `  ${by.length < needed ? paint('yellow', 'waits') : 'approved'} ${id}: ${said}, of ${needed}`;
  });
  return ['', paint('bold', 'approvals, by somebody besides the authors (phase approve ID)'), ...lines];
}

export async function runPlan(context: CommandContext, flags: PlanFlags): Promise<Result> {
  const show = formatNamed(FORMATS, flags.format);
  const { from, to, maintenance } = flags;
  const result = await planOf({ ...(await context.project()), from, to, maintenance });
  const shown = await showPlan(context, result, show, flags);
  return flags.prove ? withProof(context, planIn(result), shown, flags.seed) : shown;
}

async function showPlan(
  context: CommandContext,
  { refusal, ...document }: PlanResult,
  show: Show,
  flags: PlanFlags,
): Promise<Result> {
  if (flags.out === undefined) {
    return { document, text: show(document, (style, text) => context.output.paint(style, text)), error: refusal };
  }
  const format = context.output.options.json && flags.format === 'text' ? 'json' : flags.format;
  const content = formatNamed(FORMATS, format)(document, (_style, text) => text);
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
  plan: Plan,
  shown: Result,
  given: string | undefined,
): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const { migrations } = targetOf(history, plan.to);
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : parseSeed(given);
  const random = seeded(seed);
  const onOrder = (name: string, number: number, count: number): void =>
    context.output.notice(`${number} of ${count}: ${name}`);
  const { orders, differences } = await withShadowServer({ project, url: context.shadowUrl(project) }, (server) =>
    provePlan(server, plan, { project, history, migrations, random, onOrder }),
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

/** What is shown of a result. */
function planIn({ forcedBy, ...document }: PlanDocument): Plan {
  return { ...document, stops: forcedBy };
}
