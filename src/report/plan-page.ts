import { type Plan, type PlanStep, sayReason } from '../domain/plan.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { render } from '../scaffold/templates.ts';
import { type PlanView, sayRelease, sayReleases, viewOf } from './plan-view.ts';

/** With more releases than this a step names the ones that can run, instead of drawing them. */
const MOST_DRAWN = 16;

/** A plan as one self-contained HTML page. */
export function planPage(plan: Plan): string {
  const view = viewOf(plan);
  const columns = columnsOf(view);
  const order = new Map(
    [...view.groups.flatMap(({ steps }) => steps), ...view.held].map(({ id }, index) => [id, index + 1]),
  );
  const details = (step: PlanStep): object => stepDetails(step, view, order);
  return render('plan/page.html', {
    from: sayRelease(plan.from),
    to: plan.to,
    refused: plan.blocked.length > 0,
    verdict: view.verdict,
    applied: view.applied,
    columns: columns.map(({ title, isFinish }) => ({ title, isFinish })),
    lanes: lanesOf(view, columns, order),
    groups: view.groups.map(({ release, steps }) => ({ title: release, steps: steps.map(details) })),
    held: view.held.map(details),
    stops: plan.stops.map(({ release, id, heldId, reason }) => ({
      release,
      id,
      heldId,
      reason: sayReason(reason, id, heldId),
    })),
    noStops: plan.blocked.length > 0 && plan.stops.length === 0,
    blocked: plan.blocked.map(({ id, heldId, reason }) => ({ id, heldId, reason: sayReason(reason, id, heldId) })),
  });
}

/** A moment in which steps run: a release's part of the migrate, or the finish. */
interface Column {
  readonly title: string;
  readonly isFinish: boolean;
  has(step: PlanStep): boolean;
}

function columnsOf({ plan, groups, held }: PlanView): Column[] {
  const releases = new Set(groups.map(({ release }) => release));
  const columns = [...releases].sort(compareReleases).map((release) => ({
    title: release,
    isFinish: false,
    has: (step: PlanStep) => step.release === release && step.state === 'pending',
  }));
  if (held.length === 0) return columns;
  const finish = { title: `finish of ${plan.to}`, isFinish: true, has: ({ state }: PlanStep) => state === 'held' };
  return [...columns, finish];
}

/** A row for each rename, in the order in which they begin, and one for everything else. */
function lanesOf({ plan }: PlanView, columns: readonly Column[], order: ReadonlyMap<string, number>): object[] {
  const open = plan.steps.filter(({ id }) => order.has(id));
  const names = [...new Set(open.map(({ rename }) => rename))];
  const sorted = [...names.filter((name) => name !== null), ...(names.includes(null) ? [null] : [])];
  return sorted.map((name) => ({
    title: name ?? 'other migrations',
    isRename: name !== null,
    cells: columns.map(({ has, isFinish }) => ({
      isFinish,
      steps: open
        .filter((step) => step.rename === name && has(step))
        .map((step) => ({
          number: order.get(step.id),
          label: step.phase === null ? step.kind : `phase ${step.phase}`,
          title: step.id,
          isData: step.kind === 'data',
          isNoReturn: step.id === plan.pointOfNoReturn,
        })),
    })),
  }));
}

function stepDetails(step: PlanStep, { plan, releases }: PlanView, order: ReadonlyMap<string, number>): object {
  const { id, kind, rename, phase, breaks, runnable, release } = step;
  return {
    number: order.get(id),
    id,
    kind,
    release,
    what: rename === null ? null : `${rename}, phase ${phase}`,
    breaks,
    isNoReturn: id === plan.pointOfNoReturn,
    canRun: sayReleases(runnable, releases),
    drawn: releases.length <= MOST_DRAWN ? drawn(runnable, releases) : null,
  };
}

function drawn(runnable: readonly Release[], releases: readonly Release[]): object[] {
  return releases.map((release) => ({ release, can: runnable.includes(release) }));
}
