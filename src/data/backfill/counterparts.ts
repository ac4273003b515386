import { treeOf } from '../../catalog/tree.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
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
  renames: readonly Rename[],
): Promise<WholeSet> {
  const whole: Record<string, string> = { ...set };
  const notices: string[] = [];
  for (const { name, from, to, table: named, sync } of renames) {
    const [given, missing] = from in set ? [from, to] : [to, from];
    const expression = set[given];
    if (expression === undefined || missing in set) continue;
    const triggers = [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)];
    if (!(await isInStep(db, table, quoteQualified(named), triggers))) continue;
    whole[missing] = expression;
    notices.push(`${name}: ${missing} is set as ${given} is, since the triggers that keep them in step are quiet.`);
  }
  return { set: whole, notices };
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
