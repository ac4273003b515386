import { isTwinned, type TwinnedObject } from '../../domain/rename.ts';
import { type Argument, type Code, call, Reference } from '../../objects/code.ts';
import { aside, boundName, dependentsOf } from '../../objects/dependents/aside.ts';
import { movedKeys } from '../../objects/indexes/primary-key.ts';
import type { AnyKind, Steps, Way } from '../../objects/kind.ts';
import { boundKind, byKind, KINDS } from '../../objects/registry.ts';
import type { Renaming } from '../../objects/renaming.ts';

/** The columns of one table that a rename is of: the first, and those that are renamed with it. */
export type Renamings = readonly [Renaming, ...Renaming[]];

/**
 * What a step does with all that hangs on the columns, kind by kind, or undoes with it, in the reverse order.
 * @param kinds for tests, which add one of their own.
 */
export function ofKinds(
  renamings: Renamings,
  step: keyof Steps<never>,
  direction: keyof Way<never>,
  kinds: readonly AnyKind[] = KINDS,
): Code[] {
  const code = kinds.flatMap((one) =>
    renamings.map((renaming) =>
      byKind(renaming.facts.objects, [one]).flatMap(({ kind, objects }) =>
        objects.flatMap((object) => kind.steps[step]?.[direction]?.(renaming, object) ?? []),
      ),
    ),
  );
  return (direction === 'down' ? code.reverse() : code).flat();
}

/** Binds objects elsewhere to the other columns, all at once: those that phase 2 frees of the old ones, or those that phase 3 has to. */
export function rebindDependents(
  renamings: Renamings,
  freed: 'in phase 2' | 'in phase 3',
  direction: 'to new' | 'back',
): Code[] {
  const [{ on }] = renamings;
  const objects = dependentsOf(renamings.map(({ facts }) => facts))
    .filter(({ kind, waitsForKey }) => boundKind(kind).freed === freed && !waitsForKey)
    .map(boundName);
  if (objects.length === 0) return [];
  const [first, ...also] = renamings.map(({ rename: { from, to } }) =>
    direction === 'back' ? { from: to, to: from } : { from, to },
  );
  const { from, to } = first ?? { from: '', to: '' };
  const beside = also.length === 0 ? {} : { also };
  const undo = direction === 'back' ? { undo: true } : {};
  return [call('rebindDependents', { on, from, to, ...beside, ...undo, objects })];
}

/** Sync and rebound objects are gone: the old columns go, and what is on the new ones gets their names. */
export function replaceColumn(renamings: Renamings): Code {
  const [{ on }] = renamings;
  return call('replaceColumn', {
    on,
    ...columnsOf(renamings),
    carried: carriedConstant(renamings),
    ...movedKeys(renamings),
    ...aside(
      renamings.map(({ facts }) => facts),
      ({ needsPrimaryKey, upserts }) => needsPrimaryKey || upserts,
    ),
  });
}

/** Everything gets its twin's name back, before the old columns are there again. */
export function restoreTwinNames(renamings: Renamings): Code {
  const [{ on }] = renamings;
  return call('restoreTwinNames', { on, ...columnsOf(renamings), carried: carriedConstant(renamings) });
}

function columnsOf(renamings: Renamings) {
  const [first, ...others] = renamings.map(({ rename: { from, to } }) => ({ column: from, by: to }));
  const { column, by } = first ?? { column: '', by: '' };
  return { column, by, ...(others.length === 0 ? {} : { also: others }) };
}

/** Makes the originals again what their twins are to the table. */
export function restoreIndexRoles(renamings: Renamings): Code[] {
  const [{ on }] = renamings;
  if (!hasTwins(renamings)) return [];
  return [call('restoreIndexRoles', { on, carried: carriedConstant(renamings) })];
}

const hasTwins = (renamings: Renamings): boolean => renamings.some(({ rename }) => rename.carried.some(isTwinned));

/** What hangs on the old columns, and its twins: the list that the calls which give names take. */
export function constants(renamings: Renamings): Readonly<Record<string, readonly Argument[]>> {
  const twins = renamings.flatMap(({ rename }) => rename.carried.filter(isTwinned));
  const carried = twins.map(({ kind, name, twin, on }) => ({
    kind,
    name,
    twin,
    ...(on === undefined ? {} : { on }),
  }));
  return carried.length === 0 ? {} : { carried };
}

function carriedConstant(renamings: Renamings): Reference<readonly TwinnedObject[]> | [] {
  return hasTwins(renamings) ? new Reference('carried') : [];
}
