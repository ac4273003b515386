import type { Knex } from 'knex';
import { sequencesOf } from '../catalog/pair.ts';
import { treeOf } from '../catalog/tree.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import { ASIDE, OF_ANY_TYPE } from '../domain/pair.ts';
import { isTwinned, type TwinnedObject } from '../domain/rename.ts';
import type { Rebinding } from '../objects/bound.ts';
import { boundName } from '../objects/dependents/aside.ts';
import { viewsOn } from '../objects/dependents/views-on.ts';
import { boundKind, isBoundName, KINDS, twinnedKind } from '../objects/registry.ts';
import { sqlQualified } from '../postgres/names.ts';
import type { AsideObject } from './aside.ts';
import { copyAttributes } from './attributes.ts';
import { isOfType, keysToMove, movePrimaryKey, type ReplacedColumn, refreshedObjects } from './columns.ts';
import { dependentsOf } from './dependents.ts';
import { execute, onConnection, runAll, runSql } from './execute.ts';
import { moveIdentity } from './identity.ts';
import { stillOn, strayOf } from './left.ts';
import { ownNotNulls, takingNames } from './not-null.ts';
import { rebindingOf, withQualifiedNames } from './rebind.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';
import { withTriggersAside } from './triggers.ts';
import { dropTwin, restorations } from './twins.ts';

export interface ExchangedColumns extends Pick<ReplacedColumn, 'on' | 'carried' | 'primaryKey' | 'keysOfChildren'> {
  /** The name that both columns go by, one after the other. */
  readonly column: string;
  /** What the one goes by that has it now, afterwards, and the other one now. */
  readonly aside: string;
  /** The type that the name has afterwards, as PostgreSQL prints it: where it has it already, nothing is done. */
  readonly becomes: string;
  /** The default as PostgreSQL prints it for one type, and for the other one: where it is another one by now, that is assigned. */
  readonly default?: { readonly from: string; readonly to: string };
  /** What a sequence that the column owns has numbers of. */
  readonly sequenceType?: string;
  /** Foreign keys that reference the primary key of a partitioned table, which are made again by their own text. */
  readonly dependents?: readonly AsideObject[];
}

/**
 * Exchanges the names of two columns, and all that hangs on the one for its twins on the other: from one moment to the next what is read and written under the
 * name is of another type. What is bound to the column by its text, such as a view or a policy, is made again from that. The column that goes aside is a plain
 * one then: nothing hangs on it, and it may be NULL. Catalogue changes only, whatever the size of the table, in the transaction of the caller. The same call
 * exchanges them back, once what hung on the column is built on it again.
 * @throws PH2013 when something has to be filled or computed anew, and the table is too large.
 */
export async function exchangeColumns(knex: Knex, options: ExchangedColumns): Promise<void> {
  const { on, column, aside } = options;
  await withQualifiedNames(knex, async () => {
    if (await isOfType(knex, on, column, options.becomes)) return;
    const refreshed = refreshedObjects(knex, { on, column, by: aside }).filter(isTwinned);
    const known = await stillOn(knex, on, [...options.carried, ...refreshed]);
    const strays = await strayOf(knex, on, [column], known);
    for (const stray of strays) await dropTwin(knex, stray.on ?? on, stray);
    const carried = known.filter((object) => !strays.includes(object));
    const notNull = takingNames(await ownNotNulls(knex, on, column), await ownNotNulls(knex, on, aside));
    const restored = (await mapInTurn(carried, (object) => restorations(knex, on, object))).flat();
    await withTriggersAside(knex, on, [column], () =>
      withViewsAnew(knex, options, () =>
        withTextsAgain(knex, options, async () => {
          await dropOriginals(knex, on, carried);
          for (const key of keysToMove(options, carried)) await movePrimaryKey(knex, { on, ...key }, [column]);
          await moveOwn(knex, options);
          await swapNames(knex, on, column, aside);
          await runAll(knex, restored);
          await runAll(knex, notNull);
        }),
      ),
    );
  });
}

/** Views on the column, with the views on these, go and are made again from their own text. */
async function withViewsAnew(knex: Knex, { on, column }: ExchangedColumns, body: () => Promise<void>): Promise<void> {
  const views = await onConnection(knex, (db) => viewsOn(db, on, [column]));
  if (views.some(({ rewrites }) => rewrites)) await ensureWithinRewriteLimit(knex, on);
  await runAll(
    knex,
    views.toReversed().map(({ drop }) => drop),
  );
  await body();
  await runAll(
    knex,
    views.flatMap(({ make }) => make),
  );
}

/** Policies, rules, functions with parsed bodies, generated columns and publications: their texts name the column. */
async function withTextsAgain(
  knex: Knex,
  { on, column, dependents = [] }: ExchangedColumns,
  body: () => Promise<void>,
): Promise<void> {
  const bound = (await dependentsOf(knex, on, column)).filter(
    ({ kind }) => isBoundName(kind) && !boundKind(kind).isTyped,
  );
  const rebindings: Rebinding[] = [];
  for (const object of bound) {
    const kind = boundKind(object.kind).late?.as ?? object.kind;
    rebindings.push(await rebindingOf(knex, on, boundName({ ...object, kind })));
  }
  for (const object of dependents) rebindings.push(await rebindingOf(knex, on, object));
  if (rebindings.some(({ rewrites }) => rewrites)) await ensureWithinRewriteLimit(knex, on);
  await runAll(
    knex,
    rebindings.flatMap(({ before, stub }) => [...before, ...stub]),
  );
  await body();
  await runAll(
    knex,
    rebindings.flatMap(({ make }) => make),
  );
}

/** Keys that reference others first, then what they reference; that of the table is moved by itself. */
async function dropOriginals(knex: Knex, on: string, carried: readonly TwinnedObject[]): Promise<void> {
  const places = new Map<string, number>(KINDS.map(({ name }, place) => [name, place]));
  const ordered = [...carried].sort((a, b) => (places.get(b.kind) ?? 0) - (places.get(a.kind) ?? 0));
  for (const { kind: name, name: object, on: table = on } of ordered) {
    const kind = twinnedKind(name);
    if (kind.goes === 'with the primary key') continue;
    const statements = await onConnection(knex, async (db) =>
      (await kind.isThere(db, table, object)) ? kind.dropping(db, table, object) : [],
    );
    await runAll(knex, statements);
  }
}

/** What the column has itself goes to the other one; what went aside may be NULL. */
async function moveOwn(
  knex: Knex,
  { on, column, aside, default: planned, sequenceType }: ExchangedColumns,
): Promise<void> {
  const [from, to] = [quoteIdent(column), quoteIdent(aside)];
  const alter = (which: string, action: string) => `ALTER TABLE ${on} ALTER COLUMN ${which} ${action}`;
  await copyAttributes(knex, { on, from: column, to: aside }, OF_ANY_TYPE);
  const [own] = await runSql<{ standing: string | null; identity: boolean }>(
    knex,
    `SELECT pg_get_expr(d.adbin, d.adrelid) AS standing, a.attidentity <> '' AS identity
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass($1) AND a.attname = $2`,
    [on, column],
  );
  if (own?.identity === true) await moveIdentity(knex, { on, from: column, to: aside });
  if (own?.standing != null) {
    const standing = own.standing === planned?.from ? planned.to : own.standing;
    await runAll(knex, [alter(to, `SET DEFAULT ${standing}`), alter(from, 'DROP DEFAULT')]);
  }
  for (const sequence of await onConnection(knex, (db) => sequencesOf(db, on, column))) {
    await execute(knex, `ALTER SEQUENCE ${sequence} OWNED BY ${on}.${to}`);
    if (sequenceType !== undefined) await execute(knex, `ALTER SEQUENCE ${sequence} AS ${sequenceType}`);
  }
  const members = await runSql<{ on: string }>(knex, NOT_NULL, [on, column]);
  if (members.some((member) => member.on === on)) await execute(knex, alter(from, 'DROP NOT NULL'));
  // Partitions and children may have one of their own.
  for (const member of await runSql<{ on: string }>(knex, NOT_NULL, [on, column]))
    await execute(knex, `ALTER TABLE ${member.on} ALTER COLUMN ${from} DROP NOT NULL`);
}

/** The table, and those below it, in which a column is NOT NULL. */
const NOT_NULL = `${treeOf('to_regclass($1)::oid')}
  SELECT ${sqlQualified('n', 'c')} AS on FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2 AND a.attnotnull
  JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid`;

async function swapNames(knex: Knex, on: string, column: string, aside: string): Promise<void> {
  const renames = [
    [column, ASIDE],
    [aside, column],
    [ASIDE, aside],
  ];
  await runAll(
    knex,
    renames.map(([from = '', to = '']) => `ALTER TABLE ${on} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`),
  );
}
