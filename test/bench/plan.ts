import type { Manifest } from '../../src/domain/manifest.ts';
import { orderMigrations } from '../../src/planner/order.ts';
import { planUpgrade } from '../../src/planner/upgrade.ts';
import { median } from './measure.ts';

/** How long it takes to order and to plan a long history. */
export interface PlanLine {
  readonly what: string;
  readonly orderMs: number;
  readonly planMs: number;
  readonly held: number;
  readonly stops: number;
}

const RELEASES = 500;
const EACH = 20;
const release = (place: number): string => `1.${place}.0`;

/** 10,000 migrations in 500 releases, one of each release held. */
export function benchPlan(rounds: number): PlanLine[] {
  return [false, true].map((isRefused) => {
    const runs = Array.from({ length: rounds }, () => run(isRefused));
    const { held, stops } = runs[0] as PlanLine;
    return {
      what: isRefused ? 'a jump that is refused' : 'a jump with a finish',
      orderMs: median(runs.map(({ orderMs }) => orderMs)),
      planMs: median(runs.map(({ planMs }) => planMs)),
      held,
      stops,
    };
  });
}

function run(isRefused: boolean): PlanLine {
  const manifests = history(isRefused);
  const known = manifests.map((manifest) => manifest.release);
  const began = performance.now();
  const migrations = orderMigrations(manifests);
  const ordered = performance.now();
  const plan = planUpgrade({
    migrations,
    renames: new Map(),
    applied: new Set(migrations.slice(0, EACH).map(({ id }) => id)),
    from: release(0),
    to: release(RELEASES - 1),
    alive: known,
    mode: 'rolling',
    migrated: release(0),
    known,
    released: known,
  });
  const planMs = performance.now() - ordered;
  return { what: '', orderMs: ordered - began, planMs, held: plan.held.length, stops: plan.stops.length };
}

/** The held steps work on tables of their own, or on one that a step of each release works on, too. */
function history(isRefused: boolean): Manifest[] {
  return Array.from({ length: RELEASES }, (_, place) => ({
    release: release(place),
    state: 'released',
    sources: [],
    migrations: Array.from({ length: EACH }, (_unused, index) => ({
      id: `${String(place * EACH + index).padStart(14, '0')}_step`,
      kind: 'schema' as const,
      sha256: '',
      touches: [isRefused && index % (EACH - 1) === 0 ? 'public.shared' : `public.t${place * EACH + index}`],
      ...(index === EACH - 1 && place > 2 ? { breaks: `<${release(place - 1)}` } : {}),
    })),
  }));
}
