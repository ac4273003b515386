import { treeOf } from '../../catalog/tree.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { hasWayBack, type MappedColumn, type Mapping, mapped, namesOf } from '../../domain/mapping.ts';
import type { Move } from '../../domain/move.ts';
import { converted, type Rename, type Retype, syncTriggers } from '../../domain/rename.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';

/** What a backfill sets, with what it has to set besides. */
export interface WholeSet {
  readonly set: Readonly<Record<string, string>>;
  /** In words, for each rename: which of its columns was added. */
  readonly notices: readonly string[];
}

/**
 * While triggers are kept quiet, or what they change is put back, nothing keeps the two columns of a rename in step: what sets one sets the other, too, to the
 * same expression. A rename counts as long as its sync is on the table: afterwards both names are free for others.
 * @param renames those whose own backfill this is not. @param table as in SQL: that of the rename, a partition or a child of it.
 */
export async function withCounterparts(
  db: Queryable,
  { table, set }: { readonly table: string; readonly set: Readonly<Record<string, string>> },
  { renames, mappings }: { readonly renames: readonly Rename[]; readonly mappings: readonly Mapping[] },
): Promise<WholeSet> {
  const whole: Record<string, string> = { ...set };
  const notices: string[] = [];
  for (const { name, from, to, table: named, sync, retype } of renames) {
    const [given, missing] = from in set ? [from, to] : [to, from];
    const expression = set[given];
    if (expression === undefined || missing in set || (retype !== null && given !== from)) continue;
    const hasTriggers = (phase: 1 | 2): Promise<boolean> =>
      isInStep(db, table, quoteQualified(named), syncTriggers(sync, phase));
    const isFirst = await hasTriggers(1);
    if (!isFirst && !(await hasTriggers(2))) continue;
    whole[missing] = retype === null ? expression : counterpartOf(retype, expression, isFirst);
    notices.push(`${name}: ${missing} is set as ${given} is, since the triggers that keep them in step are quiet.`);
  }
  for (const mapping of mappings) {
    const beside = otherSide(mapping, set);
    if (beside === null || !(await isUnderWay(db, table, mapping))) continue;
    Object.assign(whole, beside.set);
    notices.push(
      `${mapping.name}: ${namesOf(beside.columns)} is set by its map, since the triggers that keep both sides in step are quiet.`,
    );
  }
  return { set: whole, notices };
}

/** What the other side of a mapping is, where one side is set alone; null where there is nothing to do. */
function otherSide(
  mapping: Mapping,
  set: Readonly<Record<string, string>>,
): { readonly columns: readonly MappedColumn[]; readonly set: Record<string, string> } | null {
  const isSet = ({ name }: MappedColumn): boolean => name in set;
  const [old, fresh] = [mapping.old.some(isSet), mapping.fresh.some(isSet)];
  if (old === fresh || (fresh && !hasWayBack(mapping))) return null;
  const [sources, columns] = old ? [mapping.old, mapping.fresh] : [mapping.fresh, mapping.old];
  const values = sources.map(({ name }) => (name in set ? `(${set[name]})` : quoteIdent(name)));
  const own = columns.flatMap(({ name, value }) => (value === null ? [] : [[name, mapped(value, values)] as const]));
  return { columns, set: Object.fromEntries(own) };
}

/**
 * A move that is under way and a backfill of whose columns has to reach the other table: that is what the triggers are for, so they cannot be kept quiet.
 * @param table as in SQL. @returns in words, or null.
 */
export async function movedBy(
  db: Queryable,
  { table, set }: { readonly table: string; readonly set: Readonly<Record<string, string>> },
  moves: readonly Move[],
): Promise<string | null> {
  for (const { name, table: source, from, toTable, to, via, sync, targetSync } of moves) {
    const sides = [
      { table: source, sync, columns: [from, ...via.map((column) => column.source)] },
      { table: toTable, sync: targetSync, columns: [to, ...via.map((column) => column.target)] },
    ];
    for (const { columns, ...side } of sides)
      if (columns.some((column) => column in set) && (await isUnderWay(db, table, side))) return name;
  }
  return null;
}

async function isUnderWay(
  db: Queryable,
  table: string,
  { table: root, sync }: Pick<Mapping, 'table' | 'sync'>,
): Promise<boolean> {
  const on = quoteQualified(root);
  return (
    (await isInStep(db, table, on, syncTriggers(sync, 1))) || (await isInStep(db, table, on, syncTriggers(sync, 2)))
  );
}

/** What the column that follows is given. Where there may be no way back, nothing is there to go back to. */
function counterpartOf({ forward, back }: Retype, expression: string, isFirst: boolean): string {
  if (isFirst) return converted(forward, `(${expression})`);
  return back.mayFail ? 'NULL' : converted(back, `(${expression})`);
}

/** Whether a table, or one that it is a part of, has one of the triggers that keep two columns in step. */
async function isInStep(db: Queryable, table: string, root: string, triggers: readonly string[]): Promise<boolean> {
  const rows = await all(
    db,
    `${treeOf('pg_catalog.to_regclass($2)::oid')}
     SELECT FROM tree WHERE oid = pg_catalog.to_regclass($1) AND EXISTS (SELECT FROM pg_catalog.pg_trigger
       WHERE tgrelid = pg_catalog.to_regclass($2) AND tgname = ANY ($3))`,
    [table, root, triggers],
  );
  return rows.length > 0;
}
