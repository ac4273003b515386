import { changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration, Plan } from '../domain/plan.ts';
import { compareReleases, inRange, manifestRelease, type Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { planUpgrade } from '../planner/upgrade.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import type { Project } from '../project/config.ts';
import { ensureFilesIntact, type History, readHistory } from '../project/history.ts';
import { type Approved, approvalsOf } from './approvals.ts';
import { ensureFormerAgrees } from './former-agrees.ts';
import { readOwnLedger } from './own-ledger.ts';
import { ensureLedgerMatches, ensureNotBlocked, ensureNotBroken, planFor, type Target, targetOf } from './prepare.ts';

/** A plan, and why it is refused, if it is. */
export interface PlanOutcome {
  readonly plan: Plan;
  readonly history: History;
  /** Every migration up to the release, in order. */
  readonly migrations: readonly OrderedMigration[];
  readonly refusal: PhaseError | null;
  /** Of pending migrations, where the environment asks for approvals. */
  readonly approvals: readonly Approved[];
}

/** From what the ledger of a database says. */
export async function planFromLedger(
  project: Project,
  database: Database,
  to: Release,
  maintenance: boolean,
  approvals = 0,
): Promise<PlanOutcome> {
  const history = await readHistory(project.root);
  const target = targetOf(history, to);
  await ensureFilesIntact(history, target.manifests);
  return withConnection({ ...database, applicationName: 'phase plan' }, async (db) => {
    const ledger = await readOwnLedger(db, project, history, { asks: true });
    ensureLedgerMatches(ledger, history);
    ensureNotBroken(target, ledger);
    const plan = planFor(target, ledger, { maintenance, running: null });
    const pending = plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id);
    await ensureFormerAgrees(db, { project, history, ledger, pending, runBaseline: false });
    const due = target.migrations.filter(({ id }) => pending.includes(id) || plan.held.includes(id));
    return { ...outcome(plan, history, target), approvals: await approvalsOf(db, approvals, due) };
  });
}

/** Without a database: everything up to `from` counts as applied, and `from` as alive. */
export async function planWithoutDatabase(
  project: Project,
  from: Release,
  to: Release,
  maintenance: boolean,
): Promise<PlanOutcome> {
  const history = await readHistory(project.root);
  const target = targetOf(history, to);
  await ensureFilesIntact(history, target.manifests);
  const { migrations, known } = target;
  const [first, last] = [from, to].map((release) => manifestRelease(release, known));
  ensureNotBrokenBy(history, first ?? from, target);
  const between = known.filter(
    (release) => compareReleases(release, first ?? from) >= 0 && compareReleases(release, last ?? to) <= 0,
  );
  const plan = planUpgrade({
    migrations,
    renames: changesOf(history),
    applied: new Set(
      migrations.filter(({ release }) => compareReleases(release, first ?? from) <= 0).map(({ id }) => id),
    ),
    from,
    to,
    alive: maintenance ? [] : [...new Set([first ?? from, ...between, last ?? to])],
    mode: maintenance ? 'maintenance' : 'rolling',
    migrated: from,
    known,
    released: target.manifests.filter(({ state }) => state === 'released').map(({ release }) => release),
  });
  return outcome(plan, history, target);
}

/** All manifests up to a release count as applied, so nothing of them may break the one to go to. @throws PH2009 */
function ensureNotBrokenBy({ manifests }: History, from: Release, { release, known }: Target): void {
  const own = manifestRelease(release, known);
  const applied = orderMigrations(manifests.filter((manifest) => compareReleases(manifest.release, from) <= 0));
  const breaking = applied.find(({ breaks }) => breaks !== undefined && inRange(own, breaks));
  if (breaking) throw new PhaseError('PH2009', { release, id: breaking.id, breaks: breaking.breaks ?? '' });
}

function outcome(plan: Plan, history: History, target: Target): PlanOutcome {
  return { plan, history, migrations: target.migrations, refusal: refusalOf(plan, target), approvals: [] };
}

function refusalOf(plan: Plan, target: Target): PhaseError | null {
  try {
    ensureNotBlocked(plan, target);
    return null;
  } catch (error) {
    if (error instanceof PhaseError) return error;
    throw error;
  }
}
