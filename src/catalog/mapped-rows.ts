import type { QualifiedName } from '../domain/identifier.ts';
import {
  follows,
  hasWayBack,
  isEmpty,
  isUnmapped,
  type MappedColumn,
  type Mapping,
  mapped,
} from '../domain/mapping.ts';
import { differs } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { rowsWithReason, type Unconvertible } from './unconvertible.ts';

/** A table, and both sides of its mapping. */
type Tried = Pick<Mapping, 'table' | 'old' | 'fresh'>;

const inputsOf = (columns: readonly MappedColumn[]) =>
  columns.map(({ name, type }, at) => ({ argument: `v${at + 1}`, column: name, type }));
const argumentsOf = (columns: readonly MappedColumn[], letter = 'v'): string[] =>
  columns.map((_, at) => `${letter}${at + 1}`);
/** Variables, one a column, with what the map makes of the other side: a domain may take no NULL before. */
const declared = (columns: readonly MappedColumn[], letter: string, values: readonly string[]): string =>
  columns
    .map(({ type, value }, at) => `${letter}${at + 1} ${type}${value === null ? '' : ` := ${mapped(value, values)}`};`)
    .join(' ');

/** What raises an error says so; also where a variable takes no such value. */
const guarded = (declarations: string, body: string): string =>
  `BEGIN DECLARE ${declarations} BEGIN ${body} END; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END`;

/** Rows that one side has no values for; all rows are tried, in a transaction that is rolled back. @param where which rows, as SQL of `t`. */
export function findUnmapped(
  db: Queryable,
  table: QualifiedName,
  {
    from,
    to,
    where = 'true',
  }: { readonly from: readonly MappedColumn[]; readonly to: readonly MappedColumn[]; readonly where?: string },
): Promise<Unconvertible> {
  const nulls = to.map(({ notNull, name }, at) =>
    notNull
      ? `IF r${at + 1} IS NOT DISTINCT FROM NULL THEN RETURN '${name.replaceAll("'", "''")} becomes NULL, and is NOT NULL'; END IF;`
      : '',
  );
  const body = guarded(declared(to, 'r', argumentsOf(from)), `${nulls.join(' ')} RETURN NULL;`);
  return rowsWithReason(db, table, { inputs: inputsOf(from), body, where });
}

/**
 * Rows that come back as other values, or not at all.
 * @param onError what each new column becomes where its map has no result, as SQL; null where that is refused.
 */
export function findMappingLosses(
  db: Queryable,
  { table, old, fresh }: Tried,
  onError: readonly (string | null)[],
): Promise<Unconvertible> {
  const there = argumentsOf(fresh, 'n');
  const lost = old.map(({ byteEqual }, at) => differs(`b${at + 1}`, `v${at + 1}`, byteEqual)).join(' OR ');
  const shown = (letter: string): string =>
    old.map((_, at) => `coalesce(${letter}${at + 1}::text, 'NULL')`).join(` || ', ' || `);
  const said = `CASE WHEN ${lost} THEN pg_catalog.concat(${shown('v')}, ' comes back as ', ${shown('b')}) END`;
  const values = argumentsOf(old);
  const caught = fresh.map(({ value }, at) => {
    const instead = onError[at] ?? null;
    if (value === null || instead === null) return '';
    return `BEGIN n${at + 1} := ${mapped(value, values)}; EXCEPTION WHEN OTHERS THEN n${at + 1} := ${instead}; END;`;
  });
  const plain = fresh.map((column, at) => (caught[at] === '' ? column : { ...column, value: null }));
  const back = `DECLARE ${declared(old, 'b', there)} BEGIN RETURN ${said}; END;`;
  const body = guarded(declared(plain, 'n', values), `${caught.join(' ')} ${back}`);
  return rowsWithReason(db, table, { inputs: inputsOf(old), body, where: 'true' });
}

/**
 * Rows whose sides are not in step. A map that has no result for what the other side holds does not stop the count: such a row is in step by the other map, or it is
 * not.
 * @param phase the last one that has run: in the first one a row whose new columns hold nothing is filled by the maps alone.
 */
export function countOutOfStep(db: Queryable, mapping: Tried, phase: 1 | 2): Promise<number> {
  const { old, fresh } = mapping;
  return countUnless(db, mapping, (inRow, unless) => {
    const isFilled = `NOT (${isEmpty(fresh, inRow)})`;
    const comesBack = unless(follows(old, fresh, inRow));
    const otherwise = !hasWayBack(mapping)
      ? unless(`NOT (${isUnmapped(fresh, old, inRow)})`)
      : phase === 2
        ? comesBack
        : `IF ${isFilled} THEN ${comesBack} END IF;`;
    return `${unless(follows(fresh, old, inRow))} ${otherwise}`;
  });
}

/** Rows whose new columns hold something else than the old ones make. */
export function countUnlikeOld(db: Queryable, mapping: Tried): Promise<number> {
  const { old, fresh } = mapping;
  return countUnless(db, mapping, (inRow, unless) => unless(follows(fresh, old, inRow)));
}

/** @param tests in plpgsql; `unless` lets out a row for which a condition is true, and none for which it has no result. */
async function countUnless(
  db: Queryable,
  { table, old, fresh }: Tried,
  tests: (inRow: (column: MappedColumn) => string, unless: (condition: string) => string) => string,
): Promise<number> {
  const columns = [...old, ...fresh];
  const inRow = ({ name }: MappedColumn): string => `v${columns.findIndex((column) => column.name === name) + 1}`;
  const unless = (condition: string): string =>
    `BEGIN IF ${condition} THEN RETURN NULL; END IF; EXCEPTION WHEN OTHERS THEN NULL; END;`;
  const body = `BEGIN ${tests(inRow, unless)} RETURN 'counted'; END`;
  const { rows } = await rowsWithReason(db, table, { inputs: inputsOf(columns), body, where: 'true' });
  return rows;
}
