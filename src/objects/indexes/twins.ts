import { quoteIdent } from '../../domain/identifier.ts';
import type { TwinnedObject } from '../../domain/rename.ts';
import { twinName } from '../../domain/twin-name.ts';
import { one, type Queryable } from '../../postgres/queryable.ts';
import { commenting } from '../comments.ts';
import { appointments, indexFamily, renameIndex } from './members.ts';

/** An index is in the schema of its table. */
export async function qualifiedIndex(db: Queryable, on: string, name: string): Promise<string> {
  const { schema } = await one<{ schema: string | null }>(
    db,
    `SELECT (SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)) AS schema`,
    [on],
  );
  return schema === null ? quoteIdent(name) : `${schema}.${quoteIdent(name)}`;
}

export async function isIndexThere(db: Queryable, on: string, name: string): Promise<boolean> {
  const sql = `SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1) AND c.relname = $2) AS there`;
  return (await one<{ there: boolean }>(db, sql, [on, name])).there;
}

/** Statements that give an index, and those of it on partitions, the names of the original, its roles and its comments. */
export async function restoringIndex(db: Queryable, on: string, { name, twin }: TwinnedObject): Promise<string[]> {
  const originals = new Map((await indexFamily(db, on, name)).map((member) => [member.on, member]));
  const members = await indexFamily(db, on, twin);
  // A dry run may look before phase 1 has built it.
  if (members.length === 0) return [`ALTER INDEX ${await qualifiedIndex(db, on, twin)} RENAME TO ${quoteIdent(name)}`];
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

/** Undoes the renaming of `restoringIndex`. */
export async function settingIndexAside(db: Queryable, on: string, { name, twin }: TwinnedObject): Promise<string[]> {
  const members = await indexFamily(db, on, name);
  return members.flatMap((member) => renameIndex(member, member.name === name ? twin : twinName(member.name)));
}

/** Makes an original what its twin is to the table: the index that CLUSTER uses, or the replica identity. */
export async function appointingIndex(db: Queryable, on: string, { name, twin }: TwinnedObject): Promise<string[]> {
  const appointed = (await indexFamily(db, on, twin)).filter((member) => appointments(member, '').length > 0);
  if (appointed.length === 0) return [];
  const originals = new Map((await indexFamily(db, on, name)).map((member) => [member.on, member.name]));
  return appointed.flatMap((member) => {
    const original = originals.get(member.on);
    return original === undefined ? [] : appointments(member, original);
  });
}
