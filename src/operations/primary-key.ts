import type { Knex } from 'knex';
import { firstOfEach } from '../domain/group.ts';
import { deriveName, quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { counterpartName, twinName } from '../domain/twin-name.ts';
import { boundName } from '../objects/dependents/aside.ts';
import { keyToPrimaryKey } from '../objects/dependents/key-to-primary-key.ts';
import { appointments, type IndexMember } from '../objects/indexes/members.ts';
import { isBoundName } from '../objects/registry.ts';
import { sqlQualified } from '../postgres/names.ts';
import { type AsideObject, withDependentsAside } from './aside.ts';
import { addConstraint, type ConstraintOptions } from './constraints.ts';
import { dependentsOf } from './dependents.ts';
import { atomically, execute, runAll, runSql } from './execute.ts';
import { indexFamily } from './families.ts';
import { createIndex, qualifiedIndex } from './indexes.ts';
import { isOnLostPart } from './left.ts';
import { isPartitioned, partitionsOf } from './partitions.ts';

interface SwappedPrimaryKey {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly name: string;
  /** The valid unique index that a table's key is made from: the table itself, or each leaf with the name of its key. */
  readonly indexFor: (on: string, name: string) => string;
  /** `PRIMARY KEY (...)`: how a partitioned table, where PostgreSQL makes none from an index, declares it. */
  readonly definition: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  readonly comment?: string;
}

/** Names of the unique indexes that phase 1 has built for the key: `twin`, on leaves derived from their own keys' names. */
export function twinIndexes(table: string, twin: string): (on: string, name: string) => string {
  return (on, name) => (on === table ? twin : twinName(name));
}

/**
 * Moves the primary key to another column: catalogue changes only, whatever the size of the table. What depends on the key,
 * and foreign keys that reference it, have to be gone. In the transaction of the caller, which holds the table's lock.
 */
export async function swapPrimaryKey(knex: Knex, key: SwappedPrimaryKey): Promise<void> {
  const { on, name, comment } = key;
  const members = await indexFamily(knex, on, name);
  await execute(knex, `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`);
  await makePrimaryKey(knex, key, on, members);
  await runAll(
    knex,
    members.flatMap((member) => appointments(member, member.name)),
  );
  if (comment === undefined) return;
  await execute(knex, `COMMENT ON CONSTRAINT ${quoteIdent(name)} ON ${on} IS ${quoteLiteral(comment)}`);
}

/** On a partitioned table: the table's own first, then each leaf's from its index, attached. */
async function makePrimaryKey(
  knex: Knex,
  key: SwappedPrimaryKey,
  on: string,
  members: readonly IndexMember[],
): Promise<void> {
  const name = members.find((member) => member.on === on)?.name ?? key.name;
  if (!(await isPartitioned(knex, on))) {
    const timing = `${key.deferrable ? ' DEFERRABLE' : ''}${key.initiallyDeferred ? ' INITIALLY DEFERRED' : ''}`;
    const using = `ADD CONSTRAINT ${quoteIdent(name)} PRIMARY KEY USING INDEX ${quoteIdent(key.indexFor(on, name))}${timing}`;
    await execute(knex, `ALTER TABLE ONLY ${on} ${using}`);
    return;
  }
  await execute(knex, `ALTER TABLE ONLY ${on} ADD CONSTRAINT ${quoteIdent(name)} ${key.definition}`);
  const parent = await qualifiedIndex(knex, on, name);
  for (const { name: partition } of await partitionsOf(knex, on)) {
    const own = members.find((member) => member.on === partition)?.name ?? key.name;
    await makePrimaryKey(knex, { ...key, name: own }, partition, members);
    await execute(knex, `ALTER INDEX ${parent} ATTACH PARTITION ${await qualifiedIndex(knex, partition, own)}`);
  }
}

const MOVED = keyToPrimaryKey.name;

export interface RestoredPrimaryKey {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly name: string;
  /** Name of the unique index that stays behind on the new column. */
  readonly twin: string;
  /** From the new column to the old one. */
  readonly from: string;
  readonly to: string;
  /** The same of more columns, which go back at the same moment. */
  readonly also?: readonly { readonly from: string; readonly to: string }[];
  /** What follows the table in CREATE INDEX, for the new column and for the old one. */
  readonly fromIndex: string;
  readonly toIndex: string;
  /** `PRIMARY KEY (...)` on the old column. */
  readonly definition: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  /** Foreign keys that reference the new column, under their twins' names. */
  readonly keys?: readonly ConstraintOptions[];
  /** Objects that need the key (GROUP BY, ON CONFLICT ON CONSTRAINT), which is away for a moment. */
  readonly dependents?: readonly AsideObject[];
  readonly comment?: string;
}

/**
 * Undoes what phase 3 did to the primary key: it goes back to the old column, and the new one keeps a unique index that
 * foreign keys can reference. The indexes are built concurrently; goes on where an earlier try stopped.
 */
export async function restorePrimaryKey(knex: Knex, options: RestoredPrimaryKey): Promise<void> {
  const { on, name, twin, from, to, also = [], definition, keys = [], dependents = [] } = options;
  if (await isOnLostPart(knex, options)) return;
  if (!(await isKeyColumn(knex, on, name, [to]))) {
    const restored = deriveName(name, '_restored');
    const leavesOnly = await isPartitioned(knex, on);
    await createIndex(knex, { on, name: twin, definition: options.fromIndex, unique: true, like: name, leavesOnly });
    await createIndex(knex, { on, name: restored, definition: options.toIndex, unique: true, leavesOnly });
    const indexFor = (table: string) => (table === on ? restored : counterpartName(null, table, restored));
    const timing = {
      ...(options.deferrable ? { deferrable: true } : {}),
      ...(options.initiallyDeferred ? { initiallyDeferred: true } : {}),
      ...(options.comment === undefined ? {} : { comment: options.comment }),
    };
    await atomically(knex, async (trx) => {
      await execute(trx, `LOCK TABLE ${[...keys.map((key) => key.on), on].join(', ')} IN ACCESS EXCLUSIVE MODE`);
      const bound = await keysOn(trx, on, name);
      const isKnown = (key: { on: string; name: string }): boolean =>
        keys.some((one) => one.name === key.name && one.on === key.on);
      for (const key of bound.filter(isKnown)) {
        await execute(trx, `ALTER TABLE ${key.on} DROP CONSTRAINT ${quoteIdent(key.name)}`);
      }
      // Those that came since, and those that no twin is there for, are made again by their own text.
      const others = bound.filter((key) => !isKnown(key)).map((key) => ({ ...key, kind: MOVED, waits: true }));
      const aside = firstOfEach(
        [...dependents.filter(({ kind }) => kind !== MOVED), ...(await needingKey(trx, on, from)), ...others],
        ({ kind, name, on: place = on }) => `${kind} ${place} ${name}`,
      );
      await withDependentsAside(trx, { on, columns: [{ from, to }, ...also], dependents: aside }, () =>
        swapPrimaryKey(trx, { on, name, indexFor, definition, ...timing }),
      );
      // The rows were valid a moment ago, under this very lock; they are looked at again outside of it.
      for (const key of keys.filter((one) => bound.some((other) => other.name === one.name && other.on === one.on))) {
        await addConstraint(trx, { ...key, validate: false });
      }
    });
  }
  for (const key of keys) await addConstraint(knex, key);
}

/** Whether a primary key is on one of some columns, among others. */
export async function isKeyColumn(knex: Knex, on: string, name: string, columns: readonly string[]): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_constraint co JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = ANY (co.conkey)
     WHERE co.conrelid = to_regclass($1) AND co.conname = $2 AND co.contype = 'p' AND a.attname = ANY ($3)`,
    [on, name, columns],
  );
  return rows.length > 0;
}

/** What a refresh has carried over since, and cannot be without the key. */
async function needingKey(knex: Knex, on: string, column: string): Promise<AsideObject[]> {
  const bound = await dependentsOf(knex, on, column);
  return bound
    .filter(({ kind, needsPrimaryKey }) => needsPrimaryKey && isBoundName(kind))
    .map((object) => ({ ...boundName(object), ...(object.waitsForKey ? { waits: true } : {}) }));
}

/** Foreign keys that are bound to the index of a primary key. */
function keysOn(knex: Knex, on: string, name: string): Promise<{ on: string; name: string }[]> {
  return runSql(
    knex,
    `SELECT ${sqlQualified('n', 'c')} AS on, f.conname AS name
     FROM pg_constraint p JOIN pg_constraint f ON f.conindid = p.conindid AND f.contype = 'f' AND f.conparentid = 0
     JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.conrelid = to_regclass($1) AND p.conname = $2 AND p.contype = 'p'`,
    [on, name],
  );
}
