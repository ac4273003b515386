import { z } from 'zod';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { problemsOf } from '../project/problems.ts';

// Migrations and tasks in JavaScript are checked by nobody else, and a misspelt option would fall to its default.

const sql = z.string().trim().min(1, 'is empty');
const query = z.union([sql, z.strictObject({ sql, values: z.array(z.unknown()) })]);
const columns = z.array(z.string().min(1));
const count = z.number().int().min(1);

const settings = {
  batchDuration: z.number('takes milliseconds, as a number').positive().optional(),
  maxLag: z.number('takes milliseconds, as a number').min(0).optional(),
  maxUnarchived: z.number().int().min(0).optional(),
  maxGrowth: z.number().min(0).optional(),
  niceRatio: z.number().min(0).optional(),
  throttleQuery: sql.nullable().optional(),
};

const requests = {
  backfill: z.strictObject({
    table: sql,
    set: z.record(z.string(), sql).refine((set) => Object.keys(set).length > 0, 'names no column'),
    where: sql,
    quietTriggers: z.boolean().optional(),
    exact: z.boolean().optional(),
    walk: z.enum(['pages', 'keys']).optional(),
    workers: count.optional(),
    ...settings,
  }),
  inBatches: z.strictObject({ table: sql, columns: columns.optional(), where: sql.optional(), ...settings }),
  dataChange: z.strictObject({
    key: z.union([z.string().min(1), columns]).optional(),
    pre: query.optional(),
    change: query.optional(),
    post: query.optional(),
    redact: columns.optional(),
    keys: z.enum(['equal', 'any']).optional(),
    summary: z.boolean().optional(),
  }),
  restoreFrom: z.strictObject({ table: sql, conflicts: z.enum(['stop', 'skip', 'overwrite']).optional() }),
};

/** A call whose request is checked. */
export type CheckedCall = keyof typeof requests;

/** @throws PH5023 for what a call of a migration or a task cannot mean. */
export function ensureRequest(call: CheckedCall, request: unknown): void {
  const result = requests[call].safeParse(request);
  if (result.success) return;
  throw new PhaseError('PH5023', { call, problems: result.error.issues.flatMap(problemsOf) });
}

/** @throws PH5023 */
export function ensureFunction(call: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new PhaseError('PH5023', { call, problems: ['the second argument is no function'] });
}
