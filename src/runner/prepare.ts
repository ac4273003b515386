import { type Changes, changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest } from '../domain/manifest.ts';
import { type OrderedMigration, type Plan, sayReason } from '../domain/plan.ts';
import { compareReleases, inRange, manifestRelease, type Release } from '../domain/release.ts';
import { appliedIds, type Ledger } from '../ledger/ledger.ts';
import { aliveReleases } from '../planner/alive.ts';
import { orderMigrations } from '../planner/order.ts';
import { ensureRenamesApart } from '../planner/renames-apart.ts';
import { planUpgrade } from '../planner/upgrade.ts';
import type { History } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { fileOf } from '../project/migrations.ts';

/** What the files say for a target release. */
export interface Target {
  readonly release: Release;
  readonly renames: Changes;
  readonly manifests: readonly Manifest[];
  readonly migrations: readonly OrderedMigration[];
  readonly known: readonly Release[];
}

/**
 * The manifests up to a release, its own open or not, and their migrations in order.
 * @throws PH2003 when another open one lies below, PH3017 for renames that overlap, and what the order refuses.
 */
export function targetOf(history: History, release: Release): Target {
  const known = history.manifests.map((manifest) => manifest.release);
  const own = manifestRelease(release, known);
  const manifests = history.manifests.filter((manifest) => compareReleases(manifest.release, own) <= 0);
  const open = manifests.filter((manifest) => manifest.state === 'open' && manifest.release !== own);
  if (open.length > 0) throw new PhaseError('PH2003', { release, open: open.map((manifest) => manifest.release) });
  const renames = changesOf(history);
  ensureRenamesApart(history.manifests, renames, own);
  return { release, renames, manifests, migrations: orderMigrations(manifests), known };
}

/**
 * What was applied is what the files say (what only started may have been mended since), and what the ledger has beyond
 * them belongs to newer releases.
 * @throws PH3003, PH3004, PH3006.
 */
export function ensureLedgerMatches(ledger: Ledger, history: History): void {
  const listed = new Map(
    history.manifests.flatMap(({ migrations }) => migrations.map((entry) => [entry.id, entry] as const)),
  );
  const newest = history.manifests.at(-1)?.release;
  const unknown: string[] = [];
  for (const row of ledger.rows) {
    const entry = listed.get(row.id);
    // Knex keeps no checksums, and may have run what was never taken over.
    if (row.sha256 === null) continue;
    if (!entry) {
      if (newest === undefined || compareReleases(row.release, newest) <= 0) unknown.push(row.id);
    } else if (row.state === 'applied' && entry.sha256 !== row.sha256) {
      const file = fileOf(history.files, entry)?.path ?? row.id;
      throw new PhaseError('PH3003', { id: row.id, file, appliedAt: row.appliedAt ?? row.startedAt });
    }
  }
  if (unknown.length > 0) throw new PhaseError('PH3004', { ids: unknown });
  ensureSameManifests(ledger, history);
}

/**
 * A release that was deployed is what it was: nobody has opened its manifest and cut it again. One that is still open may be in an image that is older than
 * the cut.
 * @throws PH3006
 */
function ensureSameManifests({ rows }: Ledger, { manifests }: History): void {
  for (const { manifestSum, release, appliedAt } of rows) {
    const manifest = manifests.find((one) => one.release === release);
    // What only started may have been mended since.
    if (manifestSum === null || appliedAt === null || manifest?.state !== 'released') continue;
    if (manifest.sum === manifestSum) continue;
    throw new PhaseError('PH3006', { manifest: manifestPath(release), isOpen: false, ranAt: appliedAt });
  }
}

/** A release can be started: nothing that ran breaks it. @throws PH2009 */
export function ensureNotBroken({ release, known }: Target, ledger: Ledger): void {
  const runs = manifestRelease(release, known);
  const breaking = ledger.rows.find(
    ({ state, breaks }) => state === 'applied' && breaks !== null && inRange(runs, breaks),
  );
  if (breaking) throw new PhaseError('PH2009', { release, id: breaking.id, breaks: breaking.breaks ?? '' });
}

/** Who is alive, as far as it is said. */
export interface PlanOptions {
  readonly maintenance: boolean;
  /** Only this release is alive now. */
  readonly running: Release | null;
}

/** The plan for a target, from what the ledger knows. */
export function planFor(target: Target, ledger: Ledger, { maintenance, running }: PlanOptions): Plan {
  const confirmed = running ?? ledger.confirmed;
  const since = running === null ? ledger.since : [];
  const deployment = { servedBefore: ledger.servedBefore, migrated: ledger.migrated, confirmed, since };
  return planUpgrade({
    migrations: target.migrations,
    renames: target.renames,
    applied: appliedIds(ledger),
    from: lowest(confirmed === null ? ledger.migrated : [confirmed, ...since]),
    to: target.release,
    alive: maintenance ? [] : aliveReleases(deployment, target.release, target.known),
    mode: maintenance ? 'maintenance' : 'rolling',
    migrated: [...ledger.migrated].sort(compareReleases).at(-1) ?? null,
    known: target.known,
    released: target.manifests.filter(({ state }) => state === 'released').map(({ release }) => release),
  });
}

function lowest(releases: readonly Release[]): Release | null {
  return [...releases].sort(compareReleases)[0] ?? null;
}

/** @throws PH2004 when something would have to pass a held step. */
export function ensureNotBlocked(plan: Plan, target: Target): void {
  const [blocked] = plan.blocked;
  if (!blocked) return;
  const breaks = target.migrations.find(({ id }) => id === blocked.heldId)?.breaks ?? '';
  const { id, heldId, reason } = blocked;
  throw new PhaseError('PH2004', {
    to: plan.to,
    step: id,
    held: heldId,
    breaks,
    reason: sayReason(reason, id, heldId),
    stops: plan.stops.map(({ release }) => release),
  });
}
