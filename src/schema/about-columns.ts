import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { QualifiedName } from '../domain/identifier.ts';
import { sqlName } from '../domain/sql-name.ts';
import type { Statement } from './statement.ts';

/**
 * Whether a statement is about one of some columns, or about something that stands on them in one of two schemas: their indexes, constraints, defaults, views.
 * @param columns encoded ids.
 */
export function isAboutColumns(
  { subject }: Pick<Statement, 'subject'>,
  columns: ReadonlySet<string>,
  schemas: readonly FactBase[],
): boolean {
  return subject !== null && schemas.some((facts) => standsOn(facts, subject, columns, new Set()));
}

function standsOn(facts: FactBase, id: StableId, columns: ReadonlySet<string>, seen: Set<string>): boolean {
  if ('target' in id) return standsOn(facts, id.target, columns, seen);
  const key = encodeId(id.kind === 'default' ? { ...id, kind: 'column' } : id);
  if (columns.has(key)) return true;
  if (seen.has(key)) return false;
  seen.add(key);
  return facts.outgoingEdges(id).some(({ to, kind }) => kind === 'depends' && standsOn(facts, to, columns, seen));
}

/** A table as somebody names it in SQL: without a schema it is the one in public, or the only one of that name. @throws PH1007 */
export function tableNamed(name: string, facts: FactBase): QualifiedName {
  const tables = facts.facts().flatMap(({ id }) => (id.kind === 'table' ? [id] : []));
  const spoken = name.replaceAll('"', '');
  const found = tables.filter((table) => table.name === spoken || `${table.schema}.${table.name}` === spoken);
  const [only] = found.length > 1 ? found.filter(({ schema }) => schema === 'public') : found;
  if (only === undefined) throw new PhaseError('PH1007', { table: name, close: tables.map(sqlName).slice(0, 5) });
  return only;
}

/** The encoded id of a column. @param table as somebody names it in SQL. @throws PH1007 */
export function columnId(facts: FactBase, table: string, column: string): string {
  const found = tableNamed(table, facts);
  return encodeId({ kind: 'column', schema: found.schema, table: found.name, name: column });
}
