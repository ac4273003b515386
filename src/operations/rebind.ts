import type { Knex } from 'knex';
import { type ColumnPlaces, swapAliases } from '../catalog/aliases.ts';
import { treeOf } from '../catalog/tree.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { ASIDE } from '../domain/pair.ts';
import type { BoundObjectName, Rebinding } from '../objects/bound.ts';
import { boundKind } from '../objects/registry.ts';
import { onConnection, runSql } from '../postgres/knex.ts';
import { atomically, execute, runAll } from './execute.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';

/** Two columns of a table: what is bound to the first is to be bound to the second. */
interface ReboundColumns {
  readonly from: string;
  readonly to: string;
}

export interface ReboundObjects extends ReboundColumns {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** More columns of the table, at the same moment. */
  readonly also?: readonly ReboundColumns[];
  readonly objects: readonly BoundObjectName[];
  /** Reads the texts while the names are changed, and so gives back what `from` and `to` the other way round have made. */
  readonly undo?: boolean;
}

/**
 * Binds views, policies, rules, functions with parsed bodies, generated columns and publications to another column of the
 * same table. PostgreSQL does it itself: for a moment, in one transaction, the two columns change names, each
 * object is made again from its own text, and the names change back. Output names, options and privileges stay.
 * @throws PH2013 when one has to be filled anew and the table is too large.
 */
export async function rebindDependents(knex: Knex, options: ReboundObjects): Promise<void> {
  await atomically(knex, (trx) => rebindAll(trx, options));
}

async function rebindAll(
  knex: Knex,
  { on, from, to, also = [], objects, undo = false }: ReboundObjects,
): Promise<void> {
  const columns = [{ from, to }, ...also];
  await lockFirst(knex, objects);
  await withQualifiedNames(knex, async () => {
    const rebindings: Rebinding[] = [];
    const read = async () => {
      for (const object of objects) rebindings.push(await rebindingOf(knex, on, object));
    };
    await (undo ? withNamesSwapped(knex, { on, columns: columns.map(turnedRound) }, read) : read());
    if (rebindings.some(({ rewrites }) => rewrites)) await ensureWithinRewriteLimit(knex, on);
    await runAll(
      knex,
      rebindings.flatMap(({ before }) => before),
    );
    const make = await swapPositions(
      knex,
      { on, columns },
      rebindings.flatMap((one) => one.make),
    );
    await (undo ? runAll(knex, make) : withNamesSwapped(knex, { on, columns }, () => runAll(knex, make)));
  });
}

const turnedRound = ({ from, to }: ReboundColumns): ReboundColumns => ({ from: to, to: from });

/** Nothing for what somebody has dropped meanwhile. What only goes by another name hangs on the old column, and the gate of phase 3 names it. */
export async function rebindingOf(knex: Knex, on: string, object: BoundObjectName): Promise<Rebinding> {
  const named = { ...object, on: object.on ?? on };
  const found = await onConnection(knex, async (db) => boundKind(object.kind).rebinding?.(db, named));
  return found ?? { before: [], make: [], stub: [], rewrites: false };
}

/** Columns of a table whose names are changed for a moment. */
interface SwappedNames {
  readonly on: string;
  readonly columns: readonly ReboundColumns[];
}

/** Statements that name columns by their position name the other columns. */
export async function swapPositions(
  knex: Knex,
  { on, columns }: SwappedNames,
  statements: readonly string[],
): Promise<string[]> {
  if (statements.length === 0) return [];
  let swapped = [...statements];
  for (const { from, to } of columns) {
    const places = await placesOf(knex, on, from, to);
    swapped = await Promise.all(swapped.map((statement) => swapAliases(statement, places)));
  }
  return swapped;
}

function placesOf(knex: Knex, on: string, from: string, to: string): Promise<ColumnPlaces[]> {
  return runSql<ColumnPlaces>(
    knex,
    `${treeOf('to_regclass($1)::oid')},
     places AS (SELECT a.attrelid, a.attname, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)::int AS place
       FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attnum > 0 AND NOT a.attisdropped)
     SELECT n.nspname AS schema, c.relname AS name, f.place AS from, t.place AS to
     FROM places f JOIN places t ON t.attrelid = f.attrelid JOIN pg_class c ON c.oid = f.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE f.attname = $2 AND t.attname = $3`,
    [on, from, to],
  );
}

/** A reader takes a view's lock before those of its tables; so does this, or the two would deadlock. */
export async function lockFirst(knex: Knex, objects: readonly BoundObjectName[]): Promise<void> {
  for (const object of objects) {
    const statement = await onConnection(knex, async (db) => boundKind(object.kind).lockFirst?.(db, object));
    if (statement) await execute(knex, statement);
  }
}

/** Texts are read and run under a search path in which every name of the application is qualified. */
export async function withQualifiedNames(knex: Knex, body: () => Promise<void>): Promise<void> {
  await onConnection(knex, body);
}

/** Runs something while each `to` goes by the name of its `from`. The caller holds the table's lock. */
export async function withNamesSwapped(
  knex: Knex,
  { on, columns }: SwappedNames,
  body: () => Promise<void>,
): Promise<void> {
  const rename = (before: string, after: string) =>
    execute(knex, `ALTER TABLE ${on} RENAME COLUMN ${before} TO ${after}`);
  const named = columns.map(({ from, to }, at) => ({
    ...{ from: quoteIdent(from), to: quoteIdent(to) },
    aside: quoteIdent(at === 0 ? ASIDE : `${ASIDE}_${at + 1}`),
  }));
  for (const { from, to, aside } of named) {
    await rename(from, aside);
    await rename(to, from);
  }
  await body();
  for (const { from, to, aside } of named) {
    await rename(from, to);
    await rename(aside, from);
  }
}
