import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { problemOf, strict } from '../project/problems.ts';

// Migrations and tasks in JavaScript are checked by nobody else, and a misspelt option would fall to its default.

const sql = v.pipe(v.string(), v.trim(), v.nonEmpty('is empty'));
const query = v.union([sql, strict({ sql, values: v.array(v.unknown()) })], 'takes SQL, or { sql, values }');
const name = v.pipe(v.string(), v.nonEmpty('is empty'));
const columns = v.array(name);
const whole = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const atLeastZero = v.pipe(v.number(), v.minValue(0));
const MILLISECONDS = 'takes milliseconds, as a number';

const settings = {
  batchDuration: v.optional(v.pipe(v.number(MILLISECONDS), v.gtValue(0))),
  maxLag: v.optional(v.pipe(v.number(MILLISECONDS), v.minValue(0))),
  maxUnarchived: v.optional(whole(0)),
  maxGrowth: v.optional(atLeastZero),
  niceRatio: v.optional(atLeastZero),
  throttleQuery: v.optional(v.nullable(sql)),
};

const requests = {
  backfill: strict({
    table: sql,
    set: v.pipe(
      v.record(v.string(), sql),
      v.check((set) => Object.keys(set).length > 0, 'names no column'),
    ),
    where: sql,
    quietTriggers: v.optional(v.boolean()),
    exact: v.optional(v.boolean()),
    walk: v.optional(v.picklist(['pages', 'keys'])),
    workers: v.optional(whole(1)),
    ...settings,
  }),
  inBatches: strict({ table: sql, columns: v.optional(columns), where: v.optional(sql), ...settings }),
  dataChange: strict({
    key: v.optional(v.union([name, columns])),
    pre: v.optional(query),
    change: v.optional(query),
    post: v.optional(query),
    redact: v.optional(columns),
    keys: v.optional(v.picklist(['equal', 'any'])),
    summary: v.optional(v.boolean()),
  }),
  restoreFrom: strict({ table: sql, conflicts: v.optional(v.picklist(['stop', 'skip', 'overwrite'])) }),
};

/** A call whose request is checked. */
export type CheckedCall = keyof typeof requests;

/** @throws PH5023 for what a call of a migration or a task cannot mean. */
export function ensureRequest(call: CheckedCall, request: unknown): void {
  const result = v.safeParse(requests[call], request);
  if (result.success) return;
  throw new PhaseError('PH5023', { call, problems: result.issues.map(problemOf) });
}

/** @throws PH5023 */
export function ensureFunction(call: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new PhaseError('PH5023', { call, problems: ['the second argument is no function'] });
}
