import type { Knex } from 'knex';
import { type FoundDependent, readDependents } from '../objects/dependents/read.ts';
import { onConnection, runSql } from './execute.ts';

/** What is bound to a column by its own text. */
export async function dependentsOf(knex: Knex, on: string, column: string): Promise<FoundDependent[]> {
  const [table] = await runSql<{ oid: string }>(knex, 'SELECT to_regclass($1)::oid::int8::text AS oid', [on]);
  return table?.oid ? onConnection(knex, (db) => readDependents(db, Number(table.oid), column)) : [];
}
