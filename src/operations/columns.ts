import type { Knex } from 'knex';
import { quoteIdent } from '../domain/identifier.ts';
import { isTwinned, type TwinnedObject } from '../domain/rename.ts';
import { twinName } from '../domain/twin-name.ts';
import { runSql } from '../postgres/knex.ts';
import { type AsideObject, withDependentsAside } from './aside.ts';
import { notNullName } from './constraints.ts';
import { execute } from './execute.ts';
import { appointments, constraintFamily, type IndexMember, indexFamily } from './families.ts';
import { qualifiedIndex } from './indexes.ts';
import { swapPrimaryKey, twinIndexes } from './primary-key.ts';

/** Whether a table has a column. */
export async function hasColumn(knex: Knex, on: string, column: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped`,
    [on, column],
  );
  return rows.length > 0;
}

/** The primary key, in what is carried over. */
export interface CarriedPrimaryKey {
  readonly name: string;
  readonly twin: string;
  /** `PRIMARY KEY (...)` on the new column. */
  readonly definition: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  readonly comment?: string;
}

export interface ReplacedColumn {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** The column to drop. */
  readonly column: string;
  /** The column that has taken its place. */
  readonly by: string;
  /** What hangs on the old column, and its twin on the new one, which gets its name. */
  readonly carried: readonly TwinnedObject[];
  readonly primaryKey?: CarriedPrimaryKey;
  /** Objects that depend on the primary key, or on every column of the table. */
  readonly dependents?: readonly AsideObject[];
}

/**
 * Drops a column and gives everything that its successor has the names that its own had: indexes and constraints, also those
 * on partitions, and NOT NULL where constraints of it have names (18). Moves the primary key. An index that CLUSTER uses or
 * that is the replica identity is so again. Catalogue changes only, in the transaction of the caller.
 */
export async function replaceColumn(knex: Knex, options: ReplacedColumn): Promise<void> {
  const { on, column, by, carried, primaryKey, dependents = [] } = options;
  const notNull = { original: await notNullName(knex, on, column), derived: await notNullName(knex, on, by) };
  const restored = (
    await Promise.all(carried.filter(isTwinned).map((object) => restorations(knex, on, object)))
  ).flat();
  for (const { kind, name, on: table = on } of carried) {
    if (kind === 'referencing key') await execute(knex, `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdent(name)}`);
  }
  const movePrimaryKey = async () => {
    if (primaryKey === undefined) return;
    const { twin, ...key } = primaryKey;
    await swapPrimaryKey(knex, { ...key, on, indexFor: twinIndexes(on, twin) });
  };
  const drop = () => execute(knex, `ALTER TABLE ${on} DROP COLUMN ${quoteIdent(column)}`);
  await withDependentsAside(knex, { on, from: column, to: by, dependents }, movePrimaryKey, drop);
  for (const statement of restored) await execute(knex, statement);
  if (notNull.original !== null && notNull.derived !== null) {
    const rename = `RENAME CONSTRAINT ${quoteIdent(notNull.derived)} TO ${quoteIdent(notNull.original)}`;
    await execute(knex, `ALTER TABLE ${on} ${rename}`);
  }
}

/** Statements that give a twin, and those of it on partitions, the names of the original; read before that is dropped. */
async function restorations(knex: Knex, table: string, object: TwinnedObject): Promise<string[]> {
  const { kind, name, twin, on = table } = object;
  switch (kind) {
    case 'index':
    case 'unique':
      return restoreIndexes(knex, on, name, twin);
    case 'statistics':
      return [`ALTER STATISTICS ${on}.${quoteIdent(twin)} RENAME TO ${quoteIdent(name)}`];
    case 'primary key':
      return [];
    default:
      return restoreConstraints(knex, on, name, twin);
  }
}

async function restoreIndexes(knex: Knex, on: string, name: string, twin: string): Promise<string[]> {
  const originals = new Map((await indexFamily(knex, on, name)).map((member) => [member.on, member]));
  const members = await indexFamily(knex, on, twin);
  // A dry run may look before phase 1 has built it.
  if (members.length === 0)
    return [`ALTER INDEX ${await qualifiedIndex(knex, on, twin)} RENAME TO ${quoteIdent(name)}`];
  return members.flatMap((member) => {
    const original = originals.get(member.on);
    const final = original?.name ?? (member.name === twin ? name : member.name);
    return [...renameIndex(member, final), ...(original === undefined ? [] : appointments(original, final))];
  });
}

function renameIndex({ schema, name }: IndexMember, to: string): string[] {
  return name === to ? [] : [`ALTER INDEX ${schema}.${quoteIdent(name)} RENAME TO ${quoteIdent(to)}`];
}

/** A check is renamed with those of the partitions; a foreign key's on each partition has a name of its own. */
async function restoreConstraints(knex: Knex, on: string, name: string, twin: string): Promise<string[]> {
  const place = ({ on: table, references }: { on: string; references: string }) => `${table} ${references}`;
  const originals = new Map((await constraintFamily(knex, on, name)).map((member) => [place(member), member.name]));
  const members = await constraintFamily(knex, on, twin);
  return (members.length === 0 ? [{ on, name: twin, references: '' }] : members).flatMap((member) => {
    const final = originals.get(place(member)) ?? (member.name === twin ? name : member.name);
    if (final === member.name) return [];
    return [`ALTER TABLE ${member.on} RENAME CONSTRAINT ${quoteIdent(member.name)} TO ${quoteIdent(final)}`];
  });
}

export interface DroppedColumn {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly column: string;
  /** Objects that depend on every column of the table, and do not name this one. */
  readonly dependents: readonly AsideObject[];
}

/** Drops a column on which objects depend that do not name it: upserts in functions and rules. */
export async function dropColumn(knex: Knex, { on, column, dependents }: DroppedColumn): Promise<void> {
  const drop = () => execute(knex, `ALTER TABLE ${on} DROP COLUMN ${quoteIdent(column)}`);
  await withDependentsAside(knex, { on, from: column, to: column, dependents }, drop);
}

export interface SetAsideObjects {
  readonly on: string;
  readonly carried: readonly TwinnedObject[];
}

/** Undoes the renaming of `replaceColumn`: everything on the new column gets its twin's name again. */
export async function setAside(knex: Knex, { on, carried }: SetAsideObjects): Promise<void> {
  for (const { kind, name, twin, on: table = on } of carried) {
    if (kind === 'primary key') continue;
    if (kind === 'statistics') {
      await execute(knex, `ALTER STATISTICS ${table}.${quoteIdent(name)} RENAME TO ${quoteIdent(twin)}`);
    } else if (kind === 'index' || kind === 'unique') {
      for (const member of await indexFamily(knex, table, name)) {
        const aside = member.name === name ? twin : twinName(member.name);
        for (const statement of renameIndex(member, aside)) await execute(knex, statement);
      }
    } else {
      const members = kind === 'check' || kind === 'exclusion' ? [] : await constraintFamily(knex, table, name);
      for (const member of members.length === 0 ? [{ on: table, name }] : members) {
        const aside = member.name === name ? twin : twinName(member.name);
        await execute(
          knex,
          `ALTER TABLE ${member.on} RENAME CONSTRAINT ${quoteIdent(member.name)} TO ${quoteIdent(aside)}`,
        );
      }
    }
  }
}

/** Makes an original what its twin is to the table: the index that CLUSTER uses, or the replica identity. */
export async function appointOriginals(knex: Knex, { on, carried }: SetAsideObjects): Promise<void> {
  for (const { kind, name, twin, on: table = on } of carried) {
    if (kind !== 'index' && kind !== 'unique') continue;
    const originals = new Map((await indexFamily(knex, table, name)).map((member) => [member.on, member.name]));
    for (const member of await indexFamily(knex, table, twin)) {
      const original = originals.get(member.on);
      if (original === undefined) continue;
      for (const statement of appointments(member, original)) await execute(knex, statement);
    }
  }
}
