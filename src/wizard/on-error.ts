import { printedValue } from '../catalog/given-expression.ts';
import type { Unconvertible } from '../catalog/unconvertible.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** A column whose values may have no result. */
interface OnErrorColumn {
  readonly name: string;
  /** The type that it gets. */
  readonly type: string;
  readonly notNull: boolean;
}

/** What values become that have no result, by `--on-error`, as SQL; null where they are refused. @throws PH1015, PH1043 */
export async function readOnError(
  db: Queryable,
  { name, type, notNull }: OnErrorColumn,
  onError: string | null,
): Promise<string | null> {
  if (onError === null || onError === 'refuse') return null;
  if (onError === 'null')
    return notNull ? refuseOnError(onError, `refuse, or value:EXPR: ${name} is NOT NULL`) : 'NULL';
  const [, expression] = /^value:(.*\S.*)$/s.exec(onError) ?? [];
  if (expression === undefined) return refuseOnError(onError, 'null, value:EXPR or refuse');
  return printedValue(db, { expression, column: name, type });
}

/** @throws PH1015 */
export function refuseOnError(value: string, allowed: string): never {
  throw new PhaseError('PH1015', { what: '--on-error', value, allowed });
}

/** Rows whose values are not kept. @param what cannot be had. */
export function warningOfErrors(what: string, instead: string, { rows, examples }: Unconvertible): Warning {
  const now =
    rows === 0
      ? 'No row holds one now.'
      : `${rows === 1 ? 'One row does' : `${rows} rows do`} now: ${examples.slice(0, 3).join('; ')}.`;
  const message = `A value that cannot become ${what} becomes ${instead}, of clients, too. ${now} What such a row held is gone with phase 3.`;
  return { code: 'values_not_kept', message };
}
