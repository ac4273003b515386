import type { Knex } from 'knex';
import { mapInTurn } from '../domain/in-turn.ts';
import { sqlQualified } from '../postgres/names.ts';
import { runSql } from './execute.ts';

/** A direct partition of a table. */
export interface Partition {
  /** Qualified and quoted. */
  readonly name: string;
  /** Whether it is partitioned itself. */
  readonly partitioned: boolean;
}

/** Whether a table is partitioned. */
export async function isPartitioned(knex: Knex, on: string): Promise<boolean> {
  const rows = await runSql(knex, `SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'p'`, [on]);
  return rows.length > 0;
}

/** The direct partitions of a table, by name; none of an ordinary table. */
export function partitionsOf(knex: Knex, on: string): Promise<Partition[]> {
  return runSql<Partition>(
    knex,
    `SELECT ${sqlQualified('n', 'c')} AS name, c.relkind = 'p' AS partitioned
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.inhparent = to_regclass($1) ORDER BY n.nspname, c.relname`,
    [on],
  );
}

/** All partitions that hold rows themselves, at any level. */
export async function leavesOf(knex: Knex, on: string): Promise<string[]> {
  const partitions = await partitionsOf(knex, on);
  const leaves = await mapInTurn(partitions, async ({ name, partitioned }) =>
    partitioned ? leavesOf(knex, name) : [name],
  );
  return leaves.flat();
}
