import { isDeepStrictEqual } from 'node:util';
import type { Manifest, ManifestEntry, ManifestSource } from '../domain/manifest.ts';
import { changedManifest } from './change-manifest.ts';
import { parseManifest } from './manifests.ts';

export interface MergedManifest {
  readonly text: string;
  /** What both branches have changed in ways of their own, in words; then somebody has to decide. */
  readonly conflicts: readonly string[];
}

/**
 * Puts the changes of two branches to a manifest together. The order of entries means nothing: migrations run by release, dependencies and number.
 * @param base what both began with; null where neither had it.
 * @throws PH3005
 */
export function mergeManifests(path: string, base: string | null, ours: string, theirs: string): MergedManifest {
  const before = base === null || base.trim() === '' ? null : parseManifest(path, base);
  const [own, other] = [parseManifest(path, ours), parseManifest(path, theirs)];
  // What is released is as it is; the other branch may have added nothing to it.
  if (other.state === 'released' || own.state === 'released')
    return mergeReleased(path, before, { ours, own }, { theirs, other });
  const migrations = mergeLists(before?.migrations ?? [], own.migrations, other.migrations, ({ id }) => id);
  const sources = mergeLists(before?.sources ?? [], own.sources, other.sources, ({ file }) => file);
  const text = changedManifest(path, ours, {
    remove: new Set([...migrations.gone, ...migrations.changed.map(({ id }) => id)]),
    removeSources: new Set([...sources.gone, ...sources.changed.map(({ file }) => file)]),
    add: [...migrations.added, ...migrations.changed],
    addSources: [...sources.added, ...sources.changed],
  });
  return { text, conflicts: [...migrations.conflicts, ...sources.conflicts] };
}

function mergeReleased(
  path: string,
  before: Manifest | null,
  { ours, own }: { readonly ours: string; readonly own: Manifest },
  { theirs, other }: { readonly theirs: string; readonly other: Manifest },
): MergedManifest {
  if (own.sum === other.sum) return { text: ours, conflicts: [] };
  const [released, open, text] = own.state === 'released' ? [own, other, ours] : [other, own, theirs];
  const known = new Set([...(before?.migrations ?? []), ...released.migrations].map(({ id }) => id));
  const late = open.migrations.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  if (open.state === 'released')
    return { text, conflicts: [`${path} was released in both branches, with other migrations`] };
  return { text, conflicts: late.map((id) => `${id} was added to ${path}, which is released in the other branch`) };
}

interface MergedList<T> {
  /** Of theirs. */
  readonly added: readonly T[];
  readonly changed: readonly T[];
  readonly gone: readonly string[];
  readonly conflicts: readonly string[];
}

function mergeLists<T extends ManifestEntry | ManifestSource>(
  base: readonly T[],
  ours: readonly T[],
  theirs: readonly T[],
  nameOf: (item: T) => string,
): MergedList<T> {
  const byName = (list: readonly T[]): Map<string, T> => new Map(list.map((item) => [nameOf(item), item]));
  const [before, own, other] = [byName(base), byName(ours), byName(theirs)];
  const added: T[] = [];
  const changed: T[] = [];
  const conflicts: string[] = [];
  for (const [name, item] of other) {
    const [was, mine] = [before.get(name), own.get(name)];
    if (isDeepStrictEqual(item, mine) || isDeepStrictEqual(item, was)) continue;
    if (mine === undefined && was === undefined) added.push(item);
    else if (isDeepStrictEqual(mine, was)) changed.push(item);
    else conflicts.push(`${name} was changed in both branches`);
  }
  const gone = [...before.keys()].filter(
    (name) => !other.has(name) && isDeepStrictEqual(own.get(name), before.get(name)),
  );
  return { added, changed, gone, conflicts };
}
