import type { Knex } from 'knex';
import * as constraints from '../objects/constraints/members.ts';
import * as indexes from '../objects/indexes/members.ts';
import { onConnection } from './execute.ts';

/** An index of a table by its name, and those on partitions that belong to it; the index itself first. */
export function indexFamily(knex: Knex, on: string, name: string): Promise<indexes.IndexMember[]> {
  return onConnection(knex, (db) => indexes.indexFamily(db, on, name));
}

/** A constraint of a table by its name, and those that belong to it; the constraint itself first. */
export function constraintFamily(knex: Knex, on: string, name: string): Promise<constraints.ConstraintMember[]> {
  return onConnection(knex, (db) => constraints.constraintFamily(db, on, name));
}
