import { type Plan, type PlanStep, sayReason } from '../domain/plan.ts';
import { type PlanView, sayRelease, sayReleases, viewOf } from './plan-view.ts';
import { table } from './table.ts';

/** Colours a text, or gives it as it is. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string) => string;

/** A plan for a terminal: by release, and after each step the releases that can run. */
export function planText(plan: Plan, paint: Paint): string {
  const view = viewOf(plan);
  const applied = view.applied === 0 ? '' : paint('dim', ` (${view.applied} applied already)`);
  return [
    `${paint('bold', `from ${sayRelease(plan.from)} to ${plan.to}`)}${applied}`,
    view.verdict,
    ...stepsText(view, paint),
    ...stopsText(plan, paint),
  ].join('\n');
}

function stepsText(view: PlanView, paint: Paint): string[] {
  const sections = [
    ...view.groups.map(({ release, steps }) => ({ title: release, steps })),
    { title: `phase finish, after the roll-out of ${view.plan.to}`, steps: view.held },
  ].filter(({ steps }) => steps.length > 0);
  if (sections.length === 0) return [];
  // One table for all, so that the columns stand under each other.
  const heads = ['', '', '', paint('dim', 'able to run afterwards')];
  const rows = sections.flatMap(({ steps }) => steps.map((step) => cells(step, view, paint)));
  const [head = '', ...lines] = table([heads, ...rows]).split('\n');
  const text = sections.flatMap(({ title, steps }) => ['', paint('bold', title), ...lines.splice(0, steps.length)]);
  return [text[0] ?? '', head, ...text.slice(1)];
}

function cells(step: PlanStep, { plan, releases }: PlanView, paint: Paint): string[] {
  const { id, kind, state, runnable, breaks } = step;
  return [
    state === 'held' ? paint('yellow', '  held') : '  run',
    kind,
    id,
    sayReleases(runnable, releases),
    breaks === null ? '' : paint('yellow', `breaks ${breaks}`),
    id === plan.pointOfNoReturn ? paint('red', 'point of no return') : '',
  ];
}

function stopsText({ stops, blocked, to }: Plan, paint: Paint): string[] {
  if (blocked.length === 0) return [];
  const rows = stops.map(({ release, id, heldId, reason }) => [
    `  ${paint('bold', release)}`,
    `else ${id} would have to pass ${heldId}. ${sayReason(reason, id, heldId)}`,
  ]);
  return ['', `Stops on the way to ${to}:`, rows.length === 0 ? '  none' : table(rows)];
}
