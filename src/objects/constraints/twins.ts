import { type QualifiedName, quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { TwinnedObject } from '../../domain/rename.ts';
import { twinName } from '../../domain/twin-name.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { commenting } from '../comments.ts';
import type { Presence } from '../presence.ts';
import { type ConstraintMember, constraintFamily } from './members.ts';

async function isConstraintThere(db: Queryable, on: string, name: string): Promise<boolean> {
  return (await constraintFamily(db, on, name)).length > 0;
}

function droppingConstraint(on: string, name: string): string[] {
  return [`ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`];
}

/** A check is renamed with those of the partitions; a foreign key's on each partition has a name of its own. */
async function restoringConstraint(db: Queryable, on: string, { name, twin }: TwinnedObject): Promise<string[]> {
  const place = ({ on: table, references }: Pick<ConstraintMember, 'on' | 'references'>) => `${table} ${references}`;
  const originals = new Map((await constraintFamily(db, on, name)).map((member) => [place(member), member]));
  const members = await constraintFamily(db, on, twin);
  return (members.length === 0 ? [{ on, name: twin, references: '', comment: null }] : members).flatMap((member) => {
    const original = originals.get(place(member));
    const final = original?.name ?? (member.name === twin ? name : member.name);
    return [
      ...renameConstraint(member, final),
      ...commenting(`CONSTRAINT ${quoteIdent(final)} ON ${member.on}`, original?.comment ?? null, member.comment),
    ];
  });
}

/** Gives what has taken an original's place the name of its twin; what it has made elsewhere keeps its names. */
function settingConstraintAside(on: string, { name, twin }: TwinnedObject): string[] {
  return renameConstraint({ on, name }, twin);
}

/** The same with what it has made on partitions, or for those that it references. */
export async function settingFamilyAside(db: Queryable, on: string, { name, twin }: TwinnedObject): Promise<string[]> {
  const members = await constraintFamily(db, on, name);
  return members.flatMap((member) => renameConstraint(member, member.name === name ? twin : twinName(member.name)));
}

function renameConstraint({ on, name }: Pick<ConstraintMember, 'on' | 'name'>, to: string): string[] {
  return name === to ? [] : [`ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(name)} TO ${quoteIdent(to)}`];
}

/**
 * Whether the twin of a constraint is missing, in words. Where the original is gone somebody has dropped it: it does not come back.
 * @param valid whether the twin has to be valid for every row; by default as the original is.
 */
export async function missingConstraint(
  presence: Presence,
  { name, twin }: TwinnedObject,
  on: string,
  valid?: boolean,
): Promise<string[]> {
  if (!(await presence.has('constraint of any state', on, name))) return [];
  const isValid = valid ?? (await presence.has('constraint', on, name));
  const isThere = await presence.has(isValid ? 'constraint' : 'constraint of any state', on, twin);
  return isThere ? [] : [`constraint ${quoteIdent(twin)}`];
}

/** What the kinds have in common whose twins are constraints. */
export const constraintTwin = {
  carried: 'twin',
  noun: 'constraint',
  placeOf: ({ on }: { readonly on: QualifiedName }) => quoteQualified(on),
  missing: missingConstraint,
  isThere: isConstraintThere,
  restoring: restoringConstraint,
  settingAside: async (_db: Queryable, on: string, object: TwinnedObject) => settingConstraintAside(on, object),
  dropping: async (_db: Queryable, on: string, name: string) => droppingConstraint(on, name),
} as const;
