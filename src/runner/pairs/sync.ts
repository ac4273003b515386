import type { Knex } from 'knex';
import { readColumn } from '../../catalog/column.ts';
import { guardedKeys } from '../../catalog/pair.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { PairRecord, SyncGround } from '../../domain/pair.ts';
import type { Rename } from '../../domain/rename.ts';
import { execute } from '../../operations/execute.ts';
import { rebindRule } from '../../operations/rules.ts';
import { planBodies } from '../../planner/rename/plan.ts';
import { onConnection } from '../../postgres/knex.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { scaffoldBody } from '../../scaffold/rename.ts';

/**
 * Whether the functions that are in the database guard the keys that are there now: an index may have come, gone, or name another column.
 */
export async function guardsFit(
  knex: Knex,
  rename: Rename,
  { table, numbers, phase }: Pick<PairRecord, 'table' | 'numbers' | 'phase'>,
): Promise<boolean> {
  const { keys, sources } = await onConnection(knex, async (db) => ({
    keys: await guardedKeys(db, table, numbers.from),
    sources: await sourcesOf(db, rename, phase),
  }));
  const made = sources.join('\n').split('guard := ').length - 1;
  if (keys.length === 0) return made === 0;
  const column = await onConnection(knex, (db) => readColumn(db, table, rename.table, rename.from));
  const wanted = planBodies({ table: rename.table, column, keys }, rename)
    .filter((body) => body.kind === 'function' && body.phase === phase)
    .flatMap(({ view }) => view.guards);
  return made === wanted.length && wanted.every((guard) => sources.some((source) => source.includes(guard)));
}

async function sourcesOf(db: Queryable, { table, sync }: Rename, phase: 1 | 2): Promise<string[]> {
  const names = [sync.functions[phase - 1], sync.last?.functions[phase - 1]];
  const rows = await all<{ source: string }>(
    db,
    `SELECT p.prosrc AS source FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = ANY ($2)`,
    [table.schema, names.filter((name) => name !== undefined)],
  );
  return rows.map(({ source }) => source);
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
  const standing =
    ground.standing === null ? null : { expression: ground.standing, class: ground.default, immutable: false };
  const facts = { table: rename.table, column: { ...column, default: standing, domainDefault: null }, keys };
  const now = { ...rename, type: ground.type, default: ground.default, standing: ground.standing };
  for (const body of planBodies(facts, now)) {
    if (body.kind === 'function' && body.phase === phase) await execute(knex, scaffoldBody(body).content);
  }
  if (phase === 2) await remakeRules(knex, rename);
}

/** What rules on the table take of a new row depends on the default, too. */
async function remakeRules(knex: Knex, { table, from, to, carried }: Rename): Promise<void> {
  for (const { kind, name, on } of carried) {
    if (kind !== 'rule on the table') continue;
    const place = on === undefined ? {} : { on };
    await rebindRule(knex, name, { table: quoteQualified(table), ...place, from, to, form: 'both' });
  }
}
