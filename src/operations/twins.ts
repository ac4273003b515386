import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import type { TwinnedObject } from '../domain/rename.ts';
import { twinName } from '../domain/twin-name.ts';
import { contextOf } from './context.ts';
import { execute, runSql } from './execute.ts';
import { appointments, constraintFamily, type IndexMember, indexFamily } from './families.ts';
import { qualifiedIndex } from './indexes.ts';

/** Statements that give a twin, and those of it on partitions, the names of the original; read before that is dropped. */
export async function restorations(knex: Knex, table: string, object: TwinnedObject): Promise<string[]> {
  const { kind, name, twin, on = table } = object;
  if (kind !== 'primary key' && !contextOf(knex).dryRun) {
    if (!(await isThere(knex, on, kind, twin))) return [];
    // Somebody has dropped the original meanwhile: it does not come back. Phase 2 drops foreign keys.
    if (kind !== 'foreign key' && !(await isThere(knex, on, kind, name))) return [await dropping(knex, on, object)];
  }
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

/** Whether a table has an index, constraint or statistics object of a name. */
async function isThere(knex: Knex, on: string, kind: TwinnedObject['kind'], name: string): Promise<boolean> {
  if (kind === 'index' || kind === 'unique') return (await indexFamily(knex, on, name)).length > 0;
  if (kind !== 'statistics') return (await constraintFamily(knex, on, name)).length > 0;
  const found = await runSql(
    knex,
    `SELECT FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE quote_ident(n.nspname) = ANY ($1) AND s.stxname = $2`,
    [[on, on.slice(1, -1)], name],
  );
  return found.length > 0;
}

/** Drops the twin of what is gone from the old column. @param on the table that it is on, quoted. */
export async function dropTwin(knex: Knex, on: string, object: TwinnedObject): Promise<void> {
  await execute(knex, await dropping(knex, on, object));
}

async function dropping(knex: Knex, on: string, { kind, twin }: TwinnedObject): Promise<string> {
  if (kind === 'statistics') return `DROP STATISTICS ${on}.${quoteIdent(twin)}`;
  if (kind !== 'index') return `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(twin)}`;
  return `DROP INDEX ${await qualifiedIndex(knex, on, twin)}`;
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
    if (original === undefined) return renameIndex(member, final);
    const index = `INDEX ${member.schema}.${quoteIdent(final)}`;
    const constraint = `CONSTRAINT ${quoteIdent(final)} ON ${member.on}`;
    return [
      ...renameIndex(member, final),
      ...appointments(original, final),
      ...commenting(index, original.comment, member.comment),
      ...commenting(constraint, original.constraintComment, member.constraintComment),
    ];
  });
}

function renameIndex({ schema, name }: IndexMember, to: string): string[] {
  return name === to ? [] : [`ALTER INDEX ${schema}.${quoteIdent(name)} RENAME TO ${quoteIdent(to)}`];
}

/** A comment that the original has got since its twin was made. */
function commenting(object: string, comment: string | null, twins: string | null): string[] {
  return comment === null || comment === twins ? [] : [`COMMENT ON ${object} IS ${quoteLiteral(comment)}`];
}

/** A check is renamed with those of the partitions; a foreign key's on each partition has a name of its own. */
async function restoreConstraints(knex: Knex, on: string, name: string, twin: string): Promise<string[]> {
  const place = ({ on: table, references }: { on: string; references: string }) => `${table} ${references}`;
  const originals = new Map((await constraintFamily(knex, on, name)).map((member) => [place(member), member]));
  const members = await constraintFamily(knex, on, twin);
  return (members.length === 0 ? [{ on, name: twin, references: '', comment: null }] : members).flatMap((member) => {
    const original = originals.get(place(member));
    const final = original?.name ?? (member.name === twin ? name : member.name);
    const rename = `ALTER TABLE ${member.on} RENAME CONSTRAINT ${quoteIdent(member.name)} TO ${quoteIdent(final)}`;
    return [
      ...(final === member.name ? [] : [rename]),
      ...commenting(`CONSTRAINT ${quoteIdent(final)} ON ${member.on}`, original?.comment ?? null, member.comment),
    ];
  });
}

/** Gives what has taken the place of an original the name of its twin back, and those of it on partitions. */
export async function giveTwinName(
  knex: Knex,
  table: string,
  { kind, name, twin, on = table }: TwinnedObject,
): Promise<void> {
  if (kind === 'primary key' || !(await isThere(knex, on, kind, name))) return;
  if (kind === 'statistics') {
    await execute(knex, `ALTER STATISTICS ${on}.${quoteIdent(name)} RENAME TO ${quoteIdent(twin)}`);
  } else if (kind === 'index' || kind === 'unique') {
    for (const member of await indexFamily(knex, on, name)) {
      const aside = member.name === name ? twin : twinName(member.name);
      for (const statement of renameIndex(member, aside)) await execute(knex, statement);
    }
  } else {
    // What an out-going key has made on partitions keeps the names that phase 2 has given it.
    const members = kind === 'referencing key' ? await constraintFamily(knex, on, name) : [];
    for (const member of members.length === 0 ? [{ on, name }] : members) {
      const aside = member.name === name ? twin : twinName(member.name);
      const rename = `RENAME CONSTRAINT ${quoteIdent(member.name)} TO ${quoteIdent(aside)}`;
      await execute(knex, `ALTER TABLE ${member.on} ${rename}`);
    }
  }
}

export interface CarriedTwins {
  readonly on: string;
  readonly carried: readonly TwinnedObject[];
}

/** Makes an original what its twin is to the table: the index that CLUSTER uses, or the replica identity. */
export async function appointOriginals(knex: Knex, { on, carried }: CarriedTwins): Promise<void> {
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
