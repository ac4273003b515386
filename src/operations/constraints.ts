import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import { isTwinned, syncedWith } from '../domain/rename.ts';
import { isTwinName, twinName } from '../domain/twin-name.ts';
import { foreignKey } from '../objects/constraints/foreign-key.ts';
import type { ConstraintMember } from '../objects/constraints/members.ts';
import { contextOf } from './context.ts';
import { atomically, execute, runSql } from './execute.ts';
import { constraintFamily } from './families.ts';
import { createIndex, type IndexOptions, onEachPartition } from './indexes.ts';
import { isOnFormerPart, isOnLostPart, strayOf } from './left.ts';
import { isPartitioned, leavesOf } from './partitions.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';

export interface UniqueOptions {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** Name of the constraint, and of the valid unique index that it is made from. */
  readonly name: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  readonly comment?: string;
}

/** Makes a unique constraint from a unique index of the same name; nothing when it is there already. */
export async function addUnique(
  knex: Knex,
  { on, name, deferrable, initiallyDeferred, comment }: UniqueOptions,
): Promise<void> {
  if (await isOnLostPart(knex, { on, name })) return;
  if ((await constraintState(knex, on, name)) === 'absent') {
    const timing = `${deferrable ? ' DEFERRABLE' : ''}${initiallyDeferred ? ' INITIALLY DEFERRED' : ''}`;
    await execute(
      knex,
      `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} UNIQUE USING INDEX ${quoteIdent(name)}${timing}`,
    );
  }
  await commentConstraint(knex, on, name, comment);
}

export interface PartitionedUniqueOptions
  extends Omit<IndexOptions, 'unique' | 'leavesOnly'>,
    Omit<UniqueOptions, 'comment'> {
  /** `UNIQUE (...)`, as the table's own constraint is made. */
  readonly constraint: string;
  readonly constraintComment?: string;
}

/**
 * Makes a unique constraint of a partitioned table, where PostgreSQL makes none from an index: on each leaf from an index
 * that is built concurrently, then attached to the table's, which comes first and is valid once all are attached.
 */
export async function addPartitionedUnique(knex: Knex, options: PartitionedUniqueOptions): Promise<void> {
  const { on, name, constraint, constraintComment } = options;
  if (await isOnLostPart(knex, options)) return;
  if (!(await isPartitioned(knex, on))) {
    await createIndex(knex, { ...options, unique: true });
    await addUnique(knex, options);
    return;
  }
  if ((await constraintState(knex, on, name)) === 'absent') {
    await execute(knex, `ALTER TABLE ONLY ${on} ADD CONSTRAINT ${quoteIdent(name)} ${constraint}`);
  }
  await onEachPartition(knex, options, (part) => addPartitionedUnique(knex, part));
  await commentConstraint(knex, on, name, constraintComment);
}

export interface ConstraintOptions {
  readonly on: string;
  readonly name: string;
  /** `CHECK (...)` or `FOREIGN KEY ...`. */
  readonly definition: string;
  /** False: rows that are there already need not satisfy it, as those of the original need not. */
  readonly validate?: boolean;
  /** False: no row has to (PostgreSQL 18). */
  readonly enforced?: boolean;
  readonly comment?: string;
}

/**
 * Adds a check or foreign key in two steps: NOT VALID, which only needs a moment's lock, then VALIDATE, which reads the
 * table while it is written. Goes on where an earlier try stopped.
 */
export async function addConstraint(knex: Knex, options: ConstraintOptions): Promise<void> {
  const { on, name, definition, validate = true, enforced = true, comment } = options;
  if (await isOnLostPart(knex, options)) return;
  const state = await constraintState(knex, on, name);
  const add = `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} ${definition}`;
  if (!enforced) {
    if (state === 'absent') await execute(knex, `${add} NOT ENFORCED`);
  } else if (state === 'absent' && (await needsLeaves(knex, options))) {
    for (const leaf of await leavesOf(knex, on)) await addConstraint(knex, { on: leaf, name, definition });
    // Every leaf has one that is valid, so PostgreSQL takes those over and reads nothing.
    await execute(knex, add);
  } else {
    if (state === 'absent') await execute(knex, `${add} NOT VALID`);
    if (state !== 'validated' && validate) {
      await execute(knex, `ALTER TABLE ${on} VALIDATE CONSTRAINT ${quoteIdent(name)}`);
    }
  }
  await commentConstraint(knex, on, name, comment);
}

/** Gives a constraint another definition: the new one counts for what is written at once, then its rows are read. */
export async function replaceConstraint(knex: Knex, options: ConstraintOptions): Promise<void> {
  await atomically(knex, async (trx) => {
    await dropConstraint(trx, options);
    await addConstraint(trx, { ...options, validate: false });
  });
  await addConstraint(knex, options);
}

/** Before 18, PostgreSQL takes no foreign key of a partitioned table as NOT VALID. */
async function needsLeaves(knex: Knex, { on, definition }: ConstraintOptions): Promise<boolean> {
  if (!definition.startsWith('FOREIGN KEY') || !(await isPartitioned(knex, on))) return false;
  const [row] = await runSql<{ version: number }>(knex, `SELECT current_setting('server_version_num')::int AS version`);
  return row !== undefined && row.version < 180000;
}

/**
 * Adds a constraint for which PostgreSQL has only the way under an exclusive lock: EXCLUDE, and UNIQUE with WITHOUT
 * OVERLAPS. Nothing when it is there already.
 * @throws PH2013 when the table is larger than `rewriteLimit`.
 */
export async function addExclusion(knex: Knex, { on, name, definition, comment }: ConstraintOptions): Promise<void> {
  if (await isOnLostPart(knex, { on, name })) return;
  if ((await constraintState(knex, on, name)) === 'absent') {
    await ensureWithinRewriteLimit(knex, on);
    await execute(knex, `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} ${definition}`);
  }
  await commentConstraint(knex, on, name, comment);
}

async function commentConstraint(knex: Knex, on: string, name: string, comment: string | undefined): Promise<void> {
  if (comment === undefined) return;
  await execute(knex, `COMMENT ON CONSTRAINT ${quoteIdent(name)} ON ${on} IS ${quoteLiteral(comment)}`);
}

/** Drops a constraint, where it is there; also one that leaves of a partitioned table have of a try that stopped. */
export async function dropConstraint(
  knex: Knex,
  { on, name }: { readonly on: string; readonly name: string },
): Promise<void> {
  await execute(knex, `ALTER TABLE IF EXISTS ${on} DROP CONSTRAINT IF EXISTS ${quoteIdent(name)}`);
}

export interface ReplacedKey {
  readonly on: string;
  readonly name: string;
  /** The foreign key that has taken its place. */
  readonly twin: string;
}

/**
 * Drops a foreign key, and gives what the twin has made on partitions, or for those that it references, the names that the
 * key's own had there: nothing else knows them. In the transaction of the caller.
 */
export async function replaceForeignKey(knex: Knex, { on, name, twin }: ReplacedKey): Promise<void> {
  if (await isOnFormerPart(knex, foreignKey.name, { on, name })) return;
  const place = (member: ConstraintMember) => `${member.on} ${member.references}`;
  const [, ...originals] = await constraintFamily(knex, on, name);
  const [, ...members] = await constraintFamily(knex, on, twin);
  const names = new Map(originals.map((member) => [place(member), member.name]));
  if ((await constraintState(knex, on, name)) === 'absent' && !contextOf(knex).dryRun) {
    // Somebody has dropped the key meanwhile: it does not come back.
    await dropConstraint(knex, { on, name: twin });
    return;
  }
  if (await isStrayKey(knex, on, name)) {
    await dropConstraint(knex, { on, name: twin });
    return;
  }
  await dropConstraint(knex, { on, name });
  for (const member of members) {
    const original = names.get(place(member));
    if (original === undefined || original === member.name) continue;
    const rename = `RENAME CONSTRAINT ${quoteIdent(member.name)} TO ${quoteIdent(original)}`;
    await execute(knex, `ALTER TABLE ${member.on} ${rename}`);
  }
}

/** Whether somebody has made a key of a rename anew under its name, of other columns. */
async function isStrayKey(knex: Knex, on: string, name: string): Promise<boolean> {
  const renames = [...contextOf(knex).renames.values()];
  for (const rename of renames) {
    const root = quoteQualified(rename.table);
    const keys = [...rename.carried, ...rename.refreshed]
      .filter(isTwinned)
      .filter((object) => object.kind === foreignKey.name && object.name === name && (object.on ?? root) === on);
    if (keys.length === 0) continue;
    const columns = syncedWith(renames, rename).map(({ from }) => from);
    return (await strayOf(knex, root, columns, keys)).length > 0;
  }
  return false;
}

/** Undoes `replaceForeignKey`: what the twin has made gives the names back, and the key is there again. */
export async function restoreForeignKey(knex: Knex, { twin, ...key }: ConstraintOptions & ReplacedKey): Promise<void> {
  if (await isOnLostPart(knex, key)) return;
  if ((await constraintState(knex, key.on, key.name)) === 'absent') {
    const [, ...members] = await constraintFamily(knex, key.on, twin);
    for (const { on, name } of members.filter((member) => !isTwinName(member.name))) {
      await execute(knex, `ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(name)} TO ${quoteIdent(twinName(name))}`);
    }
  }
  await addConstraint(knex, key);
}

async function constraintState(knex: Knex, on: string, name: string): Promise<'absent' | 'not valid' | 'validated'> {
  const [row] = await runSql<{ validated: boolean }>(
    knex,
    `SELECT convalidated AS validated FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2`,
    [on, name],
  );
  return row === undefined ? 'absent' : row.validated ? 'validated' : 'not valid';
}
