import type { Knex } from 'knex';
import { quoteIdent } from '../domain/identifier.ts';
import { runSql } from '../postgres/knex.ts';
import { readVersion } from '../project/versions.ts';
import { contextOf } from './context.ts';
import { atomically } from './execute.ts';

export interface TriggerOptions {
  /** Which file: `db/triggers/NAME_vNN.sql`. */
  readonly version: number;
  /** The table, as in SQL. */
  readonly on: string;
  /** The version that `revert` goes back to. */
  readonly revertToVersion?: number;
}

export interface DropTriggerOptions {
  readonly on: string;
  /** The version that `revert` creates again. */
  readonly revertToVersion?: number;
}

/** Creates a trigger from `db/triggers/NAME_vNN.sql`. @throws PH1017 when there is no such file. */
export async function createTrigger(knex: Knex, name: string, { version }: TriggerOptions): Promise<void> {
  await runSql(knex, await readVersion(contextOf(knex).root, 'trigger', name, version));
}

/** Undoes `createTrigger`. */
createTrigger.revert = async (knex: Knex, name: string, { on }: TriggerOptions): Promise<void> => {
  await dropTrigger(knex, name, { on });
};

/** Brings a trigger to another version, in one transaction: no write gets by without it. */
export async function updateTrigger(knex: Knex, name: string, { version, on }: TriggerOptions): Promise<void> {
  await atomically(knex, async (trx) => {
    await dropTrigger(trx, name, { on });
    await createTrigger(trx, name, { version, on });
  });
}

/** Undoes `updateTrigger`: brings it to `revertToVersion`. */
updateTrigger.revert = async (knex: Knex, name: string, options: Required<TriggerOptions>): Promise<void> => {
  await updateTrigger(knex, name, { ...options, version: options.revertToVersion });
};

/** Drops a trigger, where it is there. */
export async function dropTrigger(knex: Knex, name: string, { on }: DropTriggerOptions): Promise<void> {
  await runSql(knex, `DROP TRIGGER IF EXISTS ${quoteIdent(name)} ON ${on}`);
}

/** Undoes `dropTrigger`: creates `revertToVersion`. */
dropTrigger.revert = async (
  knex: Knex,
  name: string,
  options: DropTriggerOptions & { revertToVersion: number },
): Promise<void> => {
  await createTrigger(knex, name, { version: options.revertToVersion, on: options.on });
};
