import type { Knex } from 'knex';
import { readColumn } from '../../catalog/column.ts';
import { guardedKeys } from '../../catalog/pair.ts';
import type { ColumnFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { PairRecord, SyncGround } from '../../domain/pair.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
import { tableRule } from '../../objects/dependents/table-rule.ts';
import { execute } from '../../operations/execute.ts';
import { rebindRule } from '../../operations/rules.ts';
import { createStragglers } from '../../operations/stragglers.ts';
import { grantSyncToOwners } from '../../operations/sync-rights.ts';
import { planBodies } from '../../planner/rename/plan.ts';
import { runsAsOwner } from '../../planner/rename/sync.ts';
import { onConnection } from '../../postgres/knex.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { scaffoldBody } from '../../scaffold/rename.ts';

/**
 * Whether the functions that are in the database guard the keys that are there now: an index may have come, gone, or name another column. And
 * whether they have the rights that they need and no others: those of an earlier version run as their owner, on any table.
 */
export async function isSyncFit(
  knex: Knex,
  rename: Rename,
  { table, numbers, phase, ground }: Pick<PairRecord, 'table' | 'numbers' | 'phase' | 'ground'>,
): Promise<boolean> {
  const { keys, found } = await onConnection(knex, async (db) => ({
    keys: await guardedKeys(db, table, numbers.from),
    found: await functionsOf(db, rename, phase),
  }));
  const facts = { table: rename.table, keys, column: { default: standingOf(ground), domainDefault: null } };
  const asOwner = runsAsOwner(facts, at(rename, ground));
  if (found.some((one) => one.asOwner !== asOwner || one.isPublic || (asOwner && !one.source.includes('TG_RELID'))))
    return false;
  const sources = found.map(({ source }) => source);
  const made = sources.join('\n').split('guard := ').length - 1;
  if (keys.length === 0) return made === 0;
  const column = await onConnection(knex, (db) => readColumn(db, table, rename.table, rename.from));
  const wanted = planBodies({ table: rename.table, column, keys }, rename)
    .filter((body) => body.kind === 'function' && body.phase === phase)
    .flatMap(({ view }) => ('guards' in view ? view.guards : []));
  return made === wanted.length && wanted.every((guard) => sources.some((source) => source.includes(guard)));
}

interface SyncFunction {
  source: string;
  asOwner: boolean;
  /** Whether anybody may make triggers of it. */
  isPublic: boolean;
}

function functionsOf(db: Queryable, { table, sync }: Rename, phase: 1 | 2): Promise<SyncFunction[]> {
  const names = [sync.functions[phase - 1], sync.last?.functions[phase - 1]];
  return all<SyncFunction>(
    db,
    `SELECT p.prosrc AS source, p.prosecdef AS "asOwner", pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE') AS "isPublic" FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = ANY ($2) AND p.pronargs = 0`,
    [table.schema, names.filter((name) => name !== undefined)],
  );
}

/** The default that both columns have at once. */
function standingOf({ standing, default: kind }: SyncGround): ColumnFacts['default'] {
  return standing === null
    ? null
    : { expression: standing, class: kind === 'volatile' ? 'volatile' : 'constant', immutable: false };
}

/** A rename as it is with what its columns have become. */
function at(rename: Rename, { type, default: kind, standing }: SyncGround): Rename {
  if (rename.retype !== null) return rename;
  return { ...rename, type, default: kind, standing };
}

/**
 * Makes the functions of a sync anew for what the columns have become. Its triggers stay: they only name the columns. In the
 * transaction of the caller.
 */
export async function remakeSync(
  knex: Knex,
  rename: Rename,
  { table, numbers, phase }: Pick<PairRecord, 'table' | 'numbers' | 'phase'>,
  ground: SyncGround,
): Promise<void> {
  const { column, keys } = await onConnection(knex, async (db) => ({
    column: await readColumn(db, table, rename.table, rename.from),
    keys: await guardedKeys(db, table, numbers.from),
  }));
  const facts = { table: rename.table, column: { ...column, default: standingOf(ground), domainDefault: null }, keys };
  if (phase === 2 && rename.retype === null) await createStragglers(knex, rename.sync.stragglers);
  for (const body of planBodies(facts, at(rename, ground))) {
    if (body.kind === 'function' && body.phase === phase) await execute(knex, scaffoldBody(body).content);
  }
  await grantSyncToOwners(knex, quoteQualified(rename.table), syncTriggers(rename.sync, phase));
  if (phase === 2 && rename.retype === null) await remakeRules(knex, rename);
}

/** What rules on the table take of a new row depends on the default, too. */
async function remakeRules(knex: Knex, { table, from, to, carried }: Rename): Promise<void> {
  for (const { name, on } of carried.filter(({ kind }) => kind === tableRule.name)) {
    const place = on === undefined ? {} : { on };
    await rebindRule(knex, name, { table: quoteQualified(table), ...place, from, to, form: 'both' });
  }
}
