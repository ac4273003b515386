import type { Knex } from 'knex';
import { treeOf } from '../catalog/tree.ts';
import { runAll, runSql } from './execute.ts';

/**
 * Nobody but the owners of a table, of its partitions and its children may make a trigger of the sync's functions: they do so with each partition
 * that they create. To write the table nobody needs to.
 * @param on the table, schema and name quoted.
 */
export async function grantSyncToOwners(knex: Knex, on: string, triggers: readonly string[]): Promise<void> {
  const rows = await runSql<{ grant: string }>(
    knex,
    `${treeOf('to_regclass($1)::oid')}
     SELECT DISTINCT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, pg_get_userbyid(c.relowner)) AS grant
     FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid CROSS JOIN tree JOIN pg_class c ON c.oid = tree.oid
     WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($2) AND NOT has_function_privilege(c.relowner, p.oid, 'EXECUTE')`,
    [on, triggers],
  );
  await runAll(
    knex,
    rows.map(({ grant }) => grant),
  );
}
