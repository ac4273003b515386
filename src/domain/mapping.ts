import { type QualifiedName, quoteIdent } from './identifier.ts';
import type { Conversion, Rename, RenameSync } from './rename.ts';

/** A change of one table between several columns and one: one column becomes several, or several become one. */
export const MAPPING_KINDS = ['split', 'merge'] as const;
export type MappingKind = (typeof MAPPING_KINDS)[number];

/** A column on one side of a mapping. */
export interface MappedColumn {
  readonly name: string;
  /** As PostgreSQL prints it, with its collation where that is not the type's own. */
  readonly type: string;
  /** Whether equality of the type is equality of its bytes. */
  readonly byteEqual: boolean;
  readonly notNull: boolean;
  /** Its default, one that is the same throughout a transaction; as PostgreSQL prints it. */
  readonly default: string | null;
  /** What it is made of: SQL in which the columns of the other side stand as `$1`, `$2`, in their order. Null for an old column that nothing leads back to. */
  readonly value: Conversion | null;
  /** The function of the table's schema by which `value` goes where a value that has no result gets another one; not qualified. */
  readonly onError?: string | undefined;
}

/** What hangs on an old column and goes with it, since whoever planned the change has said so. */
export interface DroppedObject {
  /** The name of its kind (objects/registry.ts). */
  readonly kind: string;
  readonly name: string;
  /** The table that it is on, quoted; for statistics their schema; empty for what is qualified already. */
  readonly on: string;
}

/** A split or a merge as `db/changes/<name>.yml` keeps it. */
export interface Mapping {
  readonly name: string;
  readonly kind: MappingKind;
  readonly table: QualifiedName;
  readonly old: readonly MappedColumn[];
  readonly fresh: readonly MappedColumn[];
  readonly dropped: readonly DroppedObject[];
  readonly sync: RenameSync;
  /** It is no part of another change. */
  readonly partOf: null;
}

/** What the columns of a side are in SQL. */
type InRow = (column: MappedColumn) => string;

const plainly: InRow = ({ name }) => quoteIdent(name);

/** SQL of a conversion, with the columns of the other side as they go by in it. */
export function mapped({ sql }: Conversion, values: readonly string[]): string {
  return sql.replaceAll(/\$(\d+)/g, (_, number) => values[Number(number) - 1] ?? 'NULL');
}

/**
 * A type as a cast takes it: without a collation, and without the length of a text, which a cast would cut off where an assignment refuses it.
 */
export function castType(type: string): string {
  return type.replace(/ COLLATE .*$/, '').replace(/^(character varying|bit varying)\(\d+\)$/, '$1');
}

/** What a column is by its map, of its type. */
function computed({ value, type }: MappedColumn, values: readonly string[]): string {
  return value === null ? 'NULL' : `CAST(${mapped(value, values)} AS ${castType(type)})`;
}

/** Whether values of old columns can be had of new ones. */
export function hasWayBack({ old }: Pick<Mapping, 'old'>): boolean {
  return old.every(({ value }) => value !== null);
}

/** Whether a conversion may have no result for a value. */
export function mayFail(columns: readonly MappedColumn[]): boolean {
  return columns.some(({ value }) => value?.mayFail === true);
}

const isSame = (a: string, b: string, byteEqual: boolean): string =>
  byteEqual ? `${a} IS NOT DISTINCT FROM ${b}` : `pg_catalog.record_image_eq(ROW(${a}), ROW(${b}))`;

/** SQL that is true where every column of a side is what its map makes of the other side, by bytes. */
export function follows(
  columns: readonly MappedColumn[],
  others: readonly MappedColumn[],
  inRow: InRow = plainly,
): string {
  const values = others.map(inRow);
  return columns.map((column) => isSame(inRow(column), computed(column, values), column.byteEqual)).join(' AND ');
}

/** SQL that is true where columns hold nothing. */
export function isEmpty(columns: readonly MappedColumn[], inRow: InRow = plainly): string {
  return columns.map((column) => `${inRow(column)} IS NOT DISTINCT FROM NULL`).join(' AND ');
}

/** SQL that is true where columns that follow others hold nothing, and those do: a row that was not filled yet. */
export function isUnmapped(
  followers: readonly MappedColumn[],
  sources: readonly MappedColumn[],
  inRow: InRow = plainly,
): string {
  const given = sources.map((column) => `${inRow(column)} IS DISTINCT FROM NULL`);
  return `${isEmpty(followers, inRow)} AND ${given.length === 1 ? given[0] : `(${given.join(' OR ')})`}`;
}

/**
 * SQL that is true for a row that the first phase still has to fill: one whose new columns hold nothing is what the maps make, else either map is enough, since they
 * may lose something. One after the other, so that what is filled is not asked for what it would come back as.
 */
export function needsFilling({ old, fresh }: Pick<Mapping, 'old' | 'fresh'>): string {
  const otherwise = hasWayBack({ old }) ? `NOT (${follows(old, fresh)})` : 'false';
  return `CASE WHEN ${follows(fresh, old)} THEN false WHEN ${isEmpty(fresh)} THEN true ELSE ${otherwise} END`;
}

/** The same in the second phase: either map is enough; where nothing leads back a row that was not filled yet. */
export function isOutOfStep({ old, fresh }: Pick<Mapping, 'old' | 'fresh'>): string {
  if (!hasWayBack({ old })) return isUnmapped(fresh, old);
  return `CASE WHEN ${follows(old, fresh)} THEN false ELSE NOT (${follows(fresh, old)}) END`;
}

/**
 * A mapping as what looks at one old and one new column sees it: each column of either side once at least.
 */
export function asPairs(mapping: Mapping): Rename[] {
  const { name, table, old, fresh, sync } = mapping;
  const length = Math.max(old.length, fresh.length);
  return Array.from({ length }, (_, at) => [old[at] ?? old.at(-1), fresh[at] ?? fresh.at(-1)] as const).flatMap(
    ([from, to]) =>
      from === undefined || to === undefined
        ? []
        : [
            {
              ...{ name, table, from: from.name, to: to.name, type: from.type, byteEqual: from.byteEqual, sync },
              ...{ default: 'none', standing: null, notNull: false, carried: [], refreshed: [], versions: [] },
              ...{ copying: [], retype: null, partOf: null },
            } as const satisfies Rename,
          ],
  );
}

/** `name`, or `first_name and last_name`. */
export function namesOf(columns: readonly Pick<MappedColumn, 'name'>[]): string {
  const names = columns.map(({ name }) => name);
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
