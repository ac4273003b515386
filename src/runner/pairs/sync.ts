import type { Knex } from 'knex';
import { readColumn } from '../../catalog/column.ts';
import { locate } from '../../catalog/locate.ts';
import { guardedKeys } from '../../catalog/pair.ts';
import type { ColumnFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { mapInTurn } from '../../domain/in-turn.ts';
import type { PairRecord, SyncGround } from '../../domain/pair.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { tableRule } from '../../objects/dependents/table-rule.ts';
import { execute } from '../../operations/execute.ts';
import { rebindRule } from '../../operations/rules.ts';
import { createStragglers } from '../../operations/stragglers.ts';
import { grantSyncToOwners } from '../../operations/sync-rights.ts';
import { planBodies } from '../../planner/rename/plan.ts';
import { runsAsOwner, type SyncMember, type SyncMembers } from '../../planner/rename/sync.ts';
import { onConnection } from '../../postgres/knex.ts';
import { all, type LedgerDb, type Queryable } from '../../postgres/queryable.ts';
import { scaffoldBody } from '../../scaffold/rename.ts';

/** A pair of columns, and what the functions that keep it in step have to be written for. */
export interface SyncedPair extends Pick<PairRecord, 'table' | 'numbers' | 'phase' | 'ground'> {
  readonly rename: Rename;
}

/** All pairs that one sync keeps in step, the first one of its rename first. */
export type SyncedPairs = readonly [SyncedPair, ...SyncedPair[]];

/**
 * A pair with those that its sync keeps in step besides: as the ledger has them; one that is not in it yet, as its files have it.
 * @param synced all of them, the pair's own rename among them.
 * @returns null where one of these is not in its place: it is refused by itself, and until then nothing is known of the sync.
 */
export async function syncedPairs(
  db: LedgerDb,
  own: SyncedPair,
  synced: readonly Rename[],
): Promise<SyncedPairs | null> {
  const { phase } = own;
  const records = synced.length > 1 ? await readPairs(db) : [];
  const pairs = await mapInTurn(synced, async (rename): Promise<SyncedPair[]> => {
    if (rename.name === own.rename.name) return [own];
    const { table, from, to } = await locate(db, rename.table, rename.from, rename.to);
    if (table === null || from === null || to === null) return [];
    const record = records.find((one) => one.rename === rename.name);
    if (record !== undefined) return [{ ...record, rename, phase }];
    const { type, default: kind, standing } = rename;
    return [{ rename, table, numbers: { from, to }, phase, ground: { type, default: kind, standing } }];
  });
  const found = pairs.flat();
  return found.length === Math.max(1, synced.length) ? (found as [SyncedPair, ...SyncedPair[]]) : null;
}

/**
 * Whether the functions that are in the database guard the keys that are there now: an index may have come, gone, or name another column. And
 * whether they have the rights that they need and no others: those of an earlier version run as their owner, on any table.
 */
export async function isSyncFit(knex: Knex, pairs: SyncedPairs | null): Promise<boolean> {
  if (pairs === null) return true;
  const [{ rename, phase }] = pairs;
  const { members, found } = await onConnection(knex, async (db) => ({
    members: await membersOf(db, pairs),
    found: await functionsOf(db, rename, phase),
  }));
  const asOwner = members.some((member) => runsAsOwner(member.facts, member.rename));
  if (found.some((one) => one.asOwner !== asOwner || one.isPublic || (asOwner && !one.source.includes('TG_RELID'))))
    return false;
  const sources = found.map(({ source }) => source);
  const made = sources.join('\n').split('guard := ').length - 1;
  if (members.every(({ facts }) => facts.keys.length === 0)) return made === 0;
  const wanted = planBodies(members)
    .filter((body) => body.kind === 'function' && body.phase === phase)
    .flatMap(({ view }) => ('guards' in view ? view.guards : []));
  return made === wanted.length && wanted.every((guard) => sources.some((source) => source.includes(guard)));
}

/** What bodies are made of: the columns as they are, and as their ground is. */
function membersOf(db: Queryable, pairs: SyncedPairs): Promise<SyncMembers> {
  const members = mapInTurn(pairs, async ({ rename, table, numbers, ground }): Promise<SyncMember> => {
    const keys = await guardedKeys(db, table, numbers.from);
    const column = await readColumn(db, table, rename.table, rename.from);
    const standing = { ...column, default: standingOf(ground), domainDefault: null };
    return { rename: at(rename, ground), facts: { table: rename.table, column: standing, keys } };
  });
  return members as Promise<[SyncMember, ...SyncMember[]]>;
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
export async function remakeSync(knex: Knex, pairs: SyncedPairs | null): Promise<void> {
  if (pairs === null) return;
  const [{ rename, phase }] = pairs;
  const members = await onConnection(knex, (db) => membersOf(db, pairs));
  if (phase === 2 && rename.retype === null) await createStragglers(knex, rename.sync.stragglers);
  for (const body of planBodies(members)) {
    if (body.kind === 'function' && body.phase === phase) await execute(knex, scaffoldBody(body).content);
  }
  await grantSyncToOwners(knex, quoteQualified(rename.table), syncTriggers(rename.sync, phase));
  if (phase === 1) return;
  for (const pair of pairs) if (pair.rename.retype === null) await remakeRules(knex, pair.rename);
}

/** What rules on the table take of a new row depends on the default, too. */
async function remakeRules(knex: Knex, { table, from, to, carried }: Rename): Promise<void> {
  for (const { name, on } of carried.filter(({ kind }) => kind === tableRule.name)) {
    const place = on === undefined ? {} : { on };
    await rebindRule(knex, name, { table: quoteQualified(table), ...place, from, to, form: 'both' });
  }
}
