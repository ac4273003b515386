import { findMappingLosses, findUnmapped } from '../catalog/mapped-rows.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { hasWayBack, type Mapping, mayFail, namesOf } from '../domain/mapping.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { warningOfErrors } from './on-error.ts';

export type Sides = Pick<Mapping, 'old' | 'fresh'>;
/** What each new column becomes where its expression has no result, as SQL; null where that is refused. */
export type Instead = readonly (string | null)[];

/** A result for each row, where none is to take its place. @throws PH2032 */
export async function ensureEveryRow(
  db: Queryable,
  table: QualifiedName,
  { old, fresh }: Sides,
  onError: Instead,
): Promise<void> {
  const refused = fresh.filter((_, at) => onError[at] === null);
  if (!mayFail(refused)) return;
  const { rows, examples } = await findUnmapped(db, table, { from: old, to: refused });
  if (rows === 0) return;
  const columns = { column: namesOf(old), type: `${namesOf(fresh)} (${fresh.map(({ type }) => type).join(', ')})` };
  throw new PhaseError('PH2032', {
    ...{ change: `${table.name}.${namesOf(old)}`, table: quoteQualified(table), ...columns, rows, examples },
  });
}

/** Rows whose values are not kept, of each new column. */
export async function warningsOfErrors(
  db: Queryable,
  table: QualifiedName,
  { old, fresh }: Sides,
  onError: Instead,
): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const [at, column] of fresh.entries()) {
    const instead = onError[at] ?? null;
    if (instead === null) continue;
    const found = await findUnmapped(db, table, { from: old, to: [column] });
    warnings.push(warningOfErrors(column.name, instead, found));
  }
  return warnings;
}

/** Rows that would come back as other values, or not at all. */
export async function lossesOf(
  db: Queryable,
  table: QualifiedName,
  sides: Sides,
  onError: Instead,
): Promise<Warning[]> {
  if (!hasWayBack(sides)) return [];
  const { rows, examples } = await findMappingLosses(db, { table, ...sides }, onError);
  if (rows === 0) return [];
  const which = rows === 1 ? 'One row does not come back as it was' : `${rows} rows do not come back as they were`;
  const shown = examples.slice(0, 3).join('; ');
  const message = `${which}, once a release writes ${namesOf(sides.fresh)}: ${shown}. What a release writes itself stays as it wrote it.`;
  return [{ code: 'lossy_there_and_back', message }];
}
