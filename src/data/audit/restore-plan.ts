import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { type Audit, findAudit } from '../../ledger/audits.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';

/** What is known of a change that is to be taken back. */
export interface RestoreAudits {
  readonly pre: Audit | null;
  readonly change: Audit | null;
  readonly post: Audit | null;
  readonly key: readonly string[];
}

/** By its audit's kind, the temporary table that an audit is loaded into. */
export const RESTORE_TABLES = { pre: 'restore_pre', change: 'restore_change', post: 'restore_post' } as const;

/** What has to happen to a row. */
export type RestoreAction = 'update' | 'insert' | 'delete';

/**
 * The audits of a change since its owner was last undone.
 * @throws PH5019 when they cannot say what was there.
 */
export async function restoreAudits(db: LedgerDb, owner: string, name: string): Promise<RestoreAudits> {
  const [pre, change, post] = [
    await findAudit(db, owner, name, 'pre'),
    await findAudit(db, owner, name, 'change'),
    await findAudit(db, owner, name, 'post'),
  ];
  const refuse = (reason: string): never => {
    throw new PhaseError('PH5019', { audit: name, reason });
  };
  const source = pre ?? change;
  if (source === null) return refuse(`${owner} has written no audit of this name since it was last undone.`);
  if (source.isSummary) refuse('It is a summary and does not hold the rows.');
  if (pre !== null && pre.redacted.length > 0) {
    refuse(`${pre.redacted.join(', ')} is redacted: the audit holds digests instead of what was there.`);
  }
  if (pre === null && change?.command !== 'INSERT') {
    refuse('It has no pre, which would hold what was there.');
  }
  const isClear = post !== null || change === null || ['INSERT', 'UPDATE', 'DELETE'].includes(change.command ?? '');
  if (!isClear) {
    refuse(
      `The change was a ${change?.command ?? 'command'} and has no post, so that nobody knows which of its rows are still there.`,
    );
  }
  return { pre, change, post, key: source.key };
}

/**
 * SQL for a temporary table `restore_rows`: the key of each row that the change has touched, and what takes it back. What
 * was there before and after is put back; what was there only before is inserted; what only after is deleted.
 */
export function restoreRows({ pre, change, post, key }: RestoreAudits): string {
  const columns = key.map(quoteIdent).join(', ');
  const keysOf = (audit: Audit | null): string =>
    audit === null
      ? `SELECT ${columns} FROM pg_temp.restore_none`
      : `SELECT ${columns} FROM pg_temp.${RESTORE_TABLES[audit.kind]}`;
  const after = afterwards({ pre, change, post, key }, keysOf);
  const touched = change === null ? `${keysOf(pre)} UNION ${keysOf(post)}` : keysOf(change);
  const first = quoteIdent(key[0] ?? '');
  return `
    CREATE TEMP TABLE restore_rows ON COMMIT DROP AS
    SELECT ${key.map((name) => `touched.${quoteIdent(name)}`).join(', ')},
      CASE WHEN b.${first} IS NULL THEN 'delete' WHEN a.${first} IS NULL THEN 'insert' ELSE 'update' END AS action
    FROM (${touched}) AS touched
    LEFT JOIN (${keysOf(pre)}) AS b USING (${columns})
    LEFT JOIN (${after}) AS a USING (${columns})
    WHERE b.${first} IS NOT NULL OR a.${first} IS NOT NULL`;
}

/** Keys of the rows that were there when the change had been made. */
function afterwards({ pre, change, post }: RestoreAudits, keysOf: (audit: Audit | null) => string): string {
  if (post !== null) {
    // What it has inserted need not be in post.
    return change === null ? keysOf(post) : `${keysOf(post)} UNION (${keysOf(change)} EXCEPT ${keysOf(pre)})`;
  }
  if (change === null) return keysOf(pre);
  return change.command === 'DELETE' ? keysOf(null) : keysOf(change);
}
