import type { Knex } from 'knex';
import { readColumn } from '../../catalog/column.ts';
import { guardedKeys } from '../../catalog/pair.ts';
import type { PairRecord, SyncGround } from '../../domain/pair.ts';
import type { Rename } from '../../domain/rename.ts';
import { execute } from '../../operations/execute.ts';
import { planBodies } from '../../planner/rename/plan.ts';
import { onConnection } from '../../postgres/knex.ts';
import { scaffoldBody } from '../../scaffold/rename.ts';

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
}
