import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import { type Approval, readApprovals, recordApproval } from '../ledger/approvals.ts';
import { ledgerFormat } from '../ledger/format.ts';
import { orderMigrations } from '../planner/order.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { authorsInGit, userInGit } from '../project/git.ts';
import { ensureFilesIntact, readHistory } from '../project/history.ts';
import { fileOf } from '../project/migrations.ts';
import { openLedger, type RunnerOptions, withSession } from './session.ts';

/** How far a migration is approved. */
export interface Approved {
  readonly id: string;
  readonly needed: number;
  readonly by: readonly string[];
}

/** What changes rows, and what drops an old column, is asked for. */
const needsApproval = ({ kind, step }: Pick<ManifestEntry, 'kind' | 'step'>): boolean =>
  kind === 'data' || step === 'contract';

/** Of the migrations that an environment asks approvals for: who has given theirs, for the text that would run. */
export async function approvalsOf(
  db: LedgerDb,
  needed: number,
  entries: readonly ManifestEntry[],
): Promise<Approved[]> {
  if (needed === 0) return [];
  const approvals = await readApprovals(db, await ledgerFormat(db));
  return entries.filter(needsApproval).map(({ id, sha256 }) => ({
    id,
    needed,
    by: approvals.filter((one) => one.migration === id && one.sha256 === sha256).map(({ by }) => by),
  }));
}

/** @throws PH2030 */
export async function ensureApproved(db: LedgerDb, needed: number, entries: readonly ManifestEntry[]): Promise<void> {
  const missing = (await approvalsOf(db, needed, entries)).filter(({ by }) => by.length < needed);
  if (missing.length > 0) throw new PhaseError('PH2030', { needed, ids: missing.map(({ id }) => id) });
}

/**
 * Keeps in the ledger that somebody approves a migration as it is now. Who has written it git says, of the folder that the command runs in.
 * @param given who approves; null for git's user there.
 * @throws PH1016 for an id that no manifest lists, PH1042 where git does not know who, PH2031 for one of its authors.
 */
export async function approve(options: RunnerOptions, id: string, given: string | null): Promise<Approval> {
  const { root } = options.project;
  return withSession(
    options,
    () => readHistory(root),
    async (session) => {
      const { history, lock } = session;
      const entry = orderMigrations(history.manifests).find((one) => one.id === id);
      const file = entry && fileOf(history.files, entry);
      if (entry === undefined || file === undefined)
        throw new PhaseError('PH1016', { id, known: history.files.map((one) => one.id) });
      await ensureFilesIntact(
        history,
        history.manifests.filter(({ release }) => release === entry.release),
      );
      const [authors, by] = [authorsInGit(root, file.path), given ?? userInGit(root)];
      if (authors === null || authors.length === 0) throw new PhaseError('PH1042', { file: file.path, isUser: false });
      if (by === null || by.trim() === '') throw new PhaseError('PH1042', { file: file.path, isUser: true });
      if (authors.some((author) => author.toLowerCase() === by.trim().toLowerCase()))
        throw new PhaseError('PH2031', { id, by });
      await openLedger(session);
      const approval = { migration: id, sha256: entry.sha256, by: by.trim(), authors };
      return { ...approval, at: await recordApproval(lock.client, approval) };
    },
  );
}
