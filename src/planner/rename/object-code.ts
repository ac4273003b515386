import type { CarriedObject } from '../../domain/rename.ts';
import { isTwinned, type TwinnedObject } from '../../domain/rename.ts';
import { type Argument, type Code, call, Reference } from '../../objects/code.ts';
import { aside, boundName, dependentsOf } from '../../objects/dependents/aside.ts';
import { movedKeys } from '../../objects/indexes/primary-key.ts';
import type { AnyKind, Steps, Way } from '../../objects/kind.ts';
import { boundKind, byKind, KINDS } from '../../objects/registry.ts';
import type { Renaming } from '../../objects/renaming.ts';

/**
 * What a step does with all that hangs on the column, kind by kind, or undoes with it, in the reverse order.
 * @param kinds for tests, which add one of their own.
 */
export function ofKinds(
  renaming: Renaming,
  step: keyof Steps<never>,
  direction: keyof Way<never>,
  kinds: readonly AnyKind[] = KINDS,
): Code[] {
  const code = byKind(renaming.facts.objects, kinds).map(({ kind, objects }) =>
    objects.flatMap((object) => kind.steps[step]?.[direction]?.(renaming, object) ?? []),
  );
  return (direction === 'down' ? code.reverse() : code).flat();
}

/** Binds objects elsewhere to the other column, all at once: those that phase 2 frees of the old one, or those that phase 3 has to. */
export function rebindDependents(
  { on, rename, facts }: Renaming,
  freed: 'in phase 2' | 'in phase 3',
  direction: 'to new' | 'back',
): Code[] {
  const { from, to } = rename;
  const objects = dependentsOf(facts)
    .filter(({ kind, waitsForKey }) => boundKind(kind).freed === freed && !waitsForKey)
    .map(boundName);
  if (objects.length === 0) return [];
  const columns = direction === 'back' ? { from: to, to: from, undo: true } : { from, to };
  return [call('rebindDependents', { on, ...columns, objects })];
}

/** Sync and rebound objects are gone: the old column goes, and what is on the new one gets its names. */
export function replaceColumn(renaming: Renaming): Code {
  const { on, rename, facts } = renaming;
  return call('replaceColumn', {
    on,
    column: rename.from,
    by: rename.to,
    carried: carriedConstant(rename.carried),
    ...movedKeys(renaming),
    ...aside(facts, ({ needsPrimaryKey, upserts }) => needsPrimaryKey || upserts),
  });
}

/** Everything gets its twin's name back, before the old column is there again. */
export function restoreTwinNames({ on, rename }: Renaming): Code {
  return call('restoreTwinNames', { on, column: rename.from, by: rename.to, carried: carriedConstant(rename.carried) });
}

/** Makes the originals again what their twins are to the table. */
export function restoreIndexRoles({ on, rename }: Renaming): Code[] {
  if (!rename.carried.some(isTwinned)) return [];
  return [call('restoreIndexRoles', { on, carried: carriedConstant(rename.carried) })];
}

/** What hangs on the old column, and its twin: the list that the calls which give names take. */
export function constants({ rename }: Renaming): Readonly<Record<string, readonly Argument[]>> {
  const carried = rename.carried.filter(isTwinned).map(({ kind, name, twin, on }) => ({
    kind,
    name,
    twin,
    ...(on === undefined ? {} : { on }),
  }));
  return carried.length === 0 ? {} : { carried };
}

function carriedConstant(carried: readonly CarriedObject[]): Reference<readonly TwinnedObject[]> | [] {
  return carried.some(isTwinned) ? new Reference('carried') : [];
}
