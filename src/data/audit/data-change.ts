import { PhaseError } from '../../domain/errors/phase-error.ts';
import { auditKey } from '../../ledger/audits.ts';
import { one, type Queryable } from '../../postgres/queryable.ts';
import { Redaction } from './csv.ts';
import { inAuditFormat } from './format.ts';
import { type DataChangeTools, Recorder } from './recorder.ts';
import { type DataChangeRequest, type DataChangeResult, planOf } from './request.ts';

/**
 * Writes down what was there, changes it, and writes down what is there then, in one snapshot; every query has the same
 * keys, or nothing has happened.
 * @throws PH5017 for a request that cannot be carried out, PH5018 when the keys do not fit, PH5011 when a file cannot be
 * written.
 */
export async function dataChange(
  name: string,
  request: DataChangeRequest,
  tools: DataChangeTools,
): Promise<DataChangeResult> {
  const plan = planOf(name, request);
  await ensureOneSnapshot(tools.db, name);
  const recorder = new Recorder(plan, tools, new Redaction(plan.redact, await auditKey(tools.db)));
  const result = await inAuditFormat(tools.db, () => recorder.run());
  recorder.ensureRedacted();
  return result;
}

async function ensureOneSnapshot(db: Queryable, change: string): Promise<void> {
  const { level } = await one<{ level: string }>(
    db,
    `SELECT pg_catalog.current_setting('transaction_isolation') AS level`,
  );
  if (level === 'repeatable read' || level === 'serializable') return;
  const reason = `It runs in ${level.toUpperCase()}, where each query sees another state of the database; leave isolation out of the migration's config.`;
  throw new PhaseError('PH5017', { change, reason });
}
