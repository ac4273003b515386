import { PhaseError } from '../domain/errors/phase-error.ts';
import { type KnexState, knexState } from '../ledger/knex-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { knexTableOf } from '../project/database.ts';
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
 * What knex says it has run agrees with what is to run: nothing runs twice, for a file that has another name now, a table that is not the one, or somebody
 * who still uses knex.
 * @throws PH2023, PH3026, PH3027, PH4004.
 */
export async function ensureKnexAgrees(db: LedgerDb, question: Question): Promise<void> {
  const { project, history, pending } = question;
  if (pending.length === 0 || !wasTakenOver(project, history)) return;
  const table = await knexTableOf(project);
  const state = await knexState(db, table);
  if (state.isLocked) throw new PhaseError('PH4004', { table });
  if (isFirstRun(question.ledger)) await ensureSameMigrations(question, table, state);
  // On the first run somebody may have run them since the plan was made.
  const twice = pending.filter((id) => state.ids?.includes(id));
  if (twice.length > 0) throw new PhaseError('PH3027', { ids: twice, table });
}

/** A manifest lists files where knex has them, or the configuration names a knexfile or the table of knex. */
function wasTakenOver({ config }: Project, { manifests }: History): boolean {
  return (
    config.knexfile !== undefined ||
    config.knexMigrations !== undefined ||
    manifests.some(({ migrations }) => migrations.some(({ file }) => file !== undefined))
  );
}

/** Until phase has run something itself, all that is known comes from knex. */
const isFirstRun = ({ rows }: Ledger): boolean => rows.every(({ sha256 }) => sha256 === null);

async function ensureSameMigrations(
  { project, history, ledger, runBaseline }: Question,
  table: string,
  { ids }: KnexState,
): Promise<void> {
  const listed = new Set(history.manifests.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  const missing = (ids ?? []).filter((id) => !listed.has(id));
  const isMeant = (await project.knexfile())?.config.migrations?.disableMigrationsListValidation === true;
  if (missing.length > 0 && !isMeant) throw new PhaseError('PH3026', { ids: missing, table });
  if ((ids ?? []).length === 0 && ledger.servedBefore && !runBaseline) {
    throw new PhaseError('PH2023', { table, exists: ids !== null });
  }
}
