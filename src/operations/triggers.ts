import type { Knex } from 'knex';
import { ensureTrustedCode } from '../catalog/foreign-code.ts';
import { treeOf } from '../catalog/tree.ts';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { onConnection } from '../postgres/knex.ts';
import { sqlQualified } from '../postgres/names.ts';
import { readVersion } from '../project/versions.ts';
import { isOfSync, triggerChildren, untriggerChildren } from './children.ts';
import { contextOf } from './context.ts';
import { atomically, execute, runSql } from './execute.ts';
import { isOnFormerPart } from './left.ts';
import { grantSyncToOwners } from './sync-rights.ts';

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

/** Creates a trigger from `db/triggers/NAME_vNN.sql`; one that keeps columns in step on children of the table, too. @throws PH1017 when there is no such file, PH2022 when its function is another role's. */
export async function createTrigger(knex: Knex, name: string, { version, on }: TriggerOptions): Promise<void> {
  await execute(knex, await readVersion(contextOf(knex).root, 'trigger', name, version));
  if (!isOfSync(knex, on, name)) return;
  await triggerChildren(knex, on, [name]);
  await grantSyncToOwners(knex, on, [name]);
  // Where somebody was there before with a function of that name, it has been replaced, and is still theirs.
  await onConnection(knex, (db) => ensureTrustedCode(db, on, { name }));
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
  if (isOfSync(knex, on, name)) await untriggerChildren(knex, on, name);
  await execute(knex, `DROP TRIGGER IF EXISTS ${quoteIdent(name)} ON ${on}`);
}

/** Undoes `dropTrigger`: creates `revertToVersion`. */
dropTrigger.revert = async (
  knex: Knex,
  name: string,
  options: DropTriggerOptions & { revertToVersion: number },
): Promise<void> => {
  await createTrigger(knex, name, { version: options.revertToVersion, on: options.on });
};

export interface ReboundTrigger {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** The whole statement, as PostgreSQL prints it. */
  readonly definition: string;
}

interface TriggerState {
  table: string;
  enabled: 'O' | 'D' | 'R' | 'A';
  comment: string | null;
}

const ENABLED = { O: 'ENABLE TRIGGER', D: 'DISABLE TRIGGER', R: 'ENABLE REPLICA TRIGGER', A: 'ENABLE ALWAYS TRIGGER' };

/**
 * Brings a trigger of the application to another definition, in one transaction. Its comment stays, and whether it is
 * enabled, on each partition by itself.
 */
export async function rebindTrigger(knex: Knex, name: string, { on, definition }: ReboundTrigger): Promise<void> {
  await atomically(knex, async (trx) => {
    if (await isOnFormerPart(trx, 'trigger', { on, name })) return;
    const states = await statesOf(trx, name, on);
    // Somebody has dropped it meanwhile.
    if (states.length === 0 && !contextOf(trx).dryRun) return;
    await dropTrigger(trx, name, { on });
    await execute(trx, definition);
    await restoreStates(trx, name, states);
  });
}

/**
 * Runs something while the triggers that name columns of a table are away, and makes them again from their own text. In the
 * transaction of the caller, which holds the table's lock.
 */
export async function withTriggersAside(
  trx: Knex,
  on: string,
  columns: readonly string[],
  body: () => Promise<void>,
): Promise<void> {
  const triggers = await runSql<{ name: string; on: string; definition: string }>(
    trx,
    `${treeOf('to_regclass($1)::oid')}
     SELECT DISTINCT t.tgname AS name, ${sqlQualified('n', 'c')} AS on, pg_get_triggerdef(t.oid) AS definition
     FROM tree JOIN pg_trigger t ON t.tgrelid = tree.oid AND NOT t.tgisinternal AND t.tgparentid = 0
     JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attname = ANY ($2)
     JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid AND d.refobjsubid = a.attnum
     ORDER BY 2, 1`,
    [on, columns],
  );
  const aside: { name: string; definition: string; states: TriggerState[] }[] = [];
  for (const trigger of triggers) aside.push({ ...trigger, states: await statesOf(trx, trigger.name, trigger.on) });
  for (const trigger of triggers) await dropTrigger(trx, trigger.name, { on: trigger.on });
  await body();
  for (const { name, definition, states } of aside) {
    await execute(trx, definition);
    await restoreStates(trx, name, states);
  }
}

/** Of a trigger and of those that it has made on partitions; its own first. */
function statesOf(trx: Knex, name: string, on: string): Promise<TriggerState[]> {
  return runSql<TriggerState>(
    trx,
    `SELECT ${sqlQualified('n', 'c')} AS table, t.tgenabled AS enabled, obj_description(t.oid, 'pg_trigger') AS comment
     FROM pg_trigger own JOIN pg_trigger t ON t.tgname = own.tgname AND t.tgrelid IN (SELECT relid FROM pg_partition_tree(own.tgrelid) UNION SELECT own.tgrelid)
     JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE own.tgrelid = to_regclass($1) AND own.tgname = $2 ORDER BY t.tgrelid <> own.tgrelid, 1`,
    [on, name],
  );
}

async function restoreStates(trx: Knex, name: string, states: readonly TriggerState[]): Promise<void> {
  const [root] = states;
  for (const { table, enabled, comment } of states) {
    // What the table's trigger is, those of the partitions become with it.
    const isSet = enabled === 'O' && (root === undefined || root.enabled === 'O');
    if (!isSet) await execute(trx, `ALTER TABLE ${table} ${ENABLED[enabled]} ${quoteIdent(name)}`);
    if (comment !== null)
      await execute(trx, `COMMENT ON TRIGGER ${quoteIdent(name)} ON ${table} IS ${quoteLiteral(comment)}`);
  }
}
