import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FormerLedger } from '../domain/former-ledger.ts';
import { type FormerState, formerState } from '../ledger/former-ledger.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { formerLedgerOf } from '../project/database.ts';
import type { History } from '../project/history.ts';

interface Question {
  readonly project: Project;
  readonly history: History;
  readonly ledger: Ledger;
  /** Ids of what is to run. */
  readonly pending: readonly string[];
  /** Everything that was taken over may run in a database that has tables already. */
  readonly runBaseline: boolean;
}

/**
 * What the former tool says it has run agrees with what is to run: nothing runs twice, for a file that has another name now, a table that is not the one, or
 * somebody who still uses that tool.
 * @throws PH2023, PH3026, PH3027, PH4004.
 */
export async function ensureFormerAgrees(db: LedgerDb, question: Question): Promise<void> {
  const { project, history, pending } = question;
  if (pending.length === 0 || !wasTakenOver(project, history)) return;
  const former = await formerLedgerOf(project);
  const state = await formerState(db, former);
  if (state.isLocked) throw new PhaseError('PH4004', { table: former.table });
  // Of knex's what comes later can be among what is pending; of the others it is in no baseline.
  if (isFirstRun(question.ledger) || former.tool !== 'knex') await ensureSameMigrations(question, former, state);
  // On the first run somebody may have run them since the plan was made.
  const twice = pending.filter((id) => state.ids?.includes(id));
  if (twice.length > 0) throw new PhaseError('PH3027', { ids: twice, ...former });
}

/** A manifest lists files where knex has them, or the configuration names a knexfile or a table. */
function wasTakenOver({ config }: Project, { manifests }: History): boolean {
  return (
    config.knexfile !== undefined ||
    config.knexMigrations !== undefined ||
    config.formerLedger !== undefined ||
    manifests.some(({ migrations }) => migrations.some(({ file }) => file !== undefined))
  );
}

/** Until phase has run something itself, all that is known comes from the former tool. */
const isFirstRun = ({ rows }: Ledger): boolean => rows.every(({ sha256 }) => sha256 === null);

async function ensureSameMigrations(
  { project, history, ledger, runBaseline }: Question,
  former: FormerLedger,
  { ids }: FormerState,
): Promise<void> {
  const listed = new Set(
    history.manifests.flatMap(({ migrations, replaces = [], earlier = [] }) => [
      ...migrations.map(({ id }) => id),
      ...replaces,
      ...earlier.flatMap((baseline) => baseline.replaces),
    ]),
  );
  const missing = (ids ?? []).filter((id) => !listed.has(id));
  const isMeant = (await project.knexfile())?.config.migrations?.disableMigrationsListValidation === true;
  if (missing.length > 0 && !isMeant) throw new PhaseError('PH3026', { ids: missing, ...former });
  if (isFirstRun(ledger) && (ids ?? []).length === 0 && ledger.servedBefore && !runBaseline) {
    throw new PhaseError('PH2023', { ...former, exists: ids !== null });
  }
}
