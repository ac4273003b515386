import type { Plan, PlanStep } from '../domain/plan.ts';
import { sayRelease, viewOf } from './plan-view.ts';

/**
 * A plan as a flowchart for a pull request: a box a release, the finish last.
 * Source: https://mermaid.js.org/syntax/flowchart.html
 */
export function planMermaid(plan: Plan): string {
  const { groups, held, verdict } = viewOf(plan);
  const boxes = [
    ...groups.map(({ release, steps }) => ({ title: release, steps })),
    { title: `phase finish, after the roll-out of ${plan.to}`, steps: held },
  ].filter(({ steps }) => steps.length > 0);
  const number = new Map(boxes.flatMap(({ steps }) => steps).map(({ id }, index) => [id, `s${index}`]));
  const node = (step: PlanStep): string => `    ${number.get(step.id)}${shape(step, plan)}`;
  return [
    'flowchart TB',
    `  %% ${verdict}`,
    `  from(["${text(`from ${sayRelease(plan.from)}`)}"])`,
    ...boxes.flatMap(({ title, steps }, index) => [
      `  subgraph b${index}["${text(title)}"]`,
      ...steps.map(node),
      '  end',
    ]),
    `  ${['from', ...number.values()].join(' --> ')}`,
    ...plan.blocked.map(({ id, heldId }) => `  ${number.get(heldId)} -. "must run before" .-> ${number.get(id)}`),
    '  classDef held stroke-dasharray: 5 3,stroke:#b45309,stroke-width:2px',
    '  classDef noReturn stroke:#b91c1c,stroke-width:4px',
    '',
  ].join('\n');
}

function shape({ id, kind, state, runnable, breaks }: PlanStep, { pointOfNoReturn }: Plan): string {
  const lines = [
    id,
    ...(breaks === null ? [] : [`breaks ${breaks}`]),
    ...(id === pointOfNoReturn ? ['point of no return'] : []),
    `able to run: ${runnable.length > 6 ? `${runnable[0]} … ${runnable.at(-1)}` : runnable.join(', ') || 'none'}`,
  ];
  const label = `"${lines.map(text).join('<br/>')}"`;
  const name = id === pointOfNoReturn ? ':::noReturn' : state === 'held' ? ':::held' : '';
  return `${kind === 'data' ? `[(${label})]` : `[${label}]`}${name}`;
}

/** Entities, as Mermaid reads them in quoted labels. */
function text(plain: string): string {
  return plain.replaceAll('#', '#35;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
}
