import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Release } from '../../domain/release.ts';
import { checksum } from '../../project/checksum.ts';
import { writeFiles } from '../../project/files.ts';
import { folders } from '../../project/folders.ts';
import { EXTENSIONS } from '../../project/migrations.ts';
import { manifestChanges, ownSources, targetsOf } from './manifests.ts';
import { renumber } from './numbers.ts';
import { ensureMerged, type Own, readBase, readBoth } from './sides.ts';
import { settleVersions, type VersionRename, withVersion } from './versions.ts';

export interface RebaseOptions {
  readonly base: string;
  /** Where migrations go whose release the base has cut; null: to the lowest open release above it. */
  readonly release: Release | null;
}

export interface Rebased {
  /** What was written, and what has another name now, from and to. */
  readonly files: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
}

/**
 * Brings the migrations of a branch that the base does not have after those of the base: manifests of both are put together, also where git has left
 * conflicts in them, and files get later numbers where they have earlier ones. Nothing that is released is touched, and nothing of git's history.
 * @throws PH1036 for a base that git does not know, PH1039 where its files are not here yet, PH1040 where migrations have no open release to go to.
 */
export async function rebase(root: string, { base, release: given }: RebaseOptions): Promise<Rebased> {
  const bases = readBase(root, base);
  ensureMerged(root, base, bases);
  const both = await readBoth(root);
  const inBase = new Set(bases.flatMap(({ manifest }) => manifest.migrations.map(({ id }) => id)));
  const sourcesInBase = new Map(
    bases.flatMap(({ manifest }) => manifest.sources.map((source) => [source.file, source] as const)),
  );
  const own = both.flatMap(({ release, migrations }) =>
    migrations.filter(({ id }) => !inBase.has(id)).map((entry): Own => ({ release, entry })),
  );
  const versions = await settleVersions(root, base, both, sourcesInBase);
  const numbered = renumber(own, [...inBase]);
  const files = await moveFiles(root, {
    own: new Set(own.map(({ entry }) => entry.id)),
    numbered,
    versions: versions.renames,
  });
  const target = targetsOf(both, bases, given);
  const moved = own.map(({ release, entry }): Own => {
    const id = numbered.get(entry.id) ?? entry.id;
    const after = entry.after?.map((other) => numbered.get(other) ?? other);
    const file = files.get(entry.id);
    const sum = file === undefined ? {} : { sha256: checksum(file.content) };
    return {
      release: target(release, entry),
      entry: { ...entry, id, ...sum, ...(after === undefined ? {} : { after }) },
    };
  });
  const manifests = manifestChanges(
    { bases, both },
    moved,
    [...versions.own, ...ownSources(both, sourcesInBase, versions.own)],
    target,
  );
  const renamed = [...files.values()]
    .filter(({ from, path }) => from !== path)
    .map(({ from, path }) => ({ from, to: path }));
  await writeFiles(
    root,
    [
      ...versions.changes,
      ...[...files.values()].map(({ path, content }) => ({ path, content, mode: 'replace' as const })),
      ...manifests,
    ],
    renamed.map(({ from }) => from),
  );
  return {
    files: [...versions.changes, ...manifests]
      .map(({ path }) => path)
      .concat([...files.values()].map(({ path }) => path)),
    renamed,
  };
}

interface MovedFile {
  readonly from: string;
  readonly path: string;
  readonly content: string;
}

interface Moves {
  readonly own: ReadonlySet<string>;
  /** New ids by old ones. */
  readonly numbered: ReadonlyMap<string, string>;
  readonly versions: readonly VersionRename[];
}

/** Files of migrations that are the branch's own, under their new names, with the new names of all others in them; by their old id. */
async function moveFiles(root: string, { own, numbered, versions }: Moves): Promise<Map<string, MovedFile>> {
  const moved = new Map<string, MovedFile>();
  for (const folder of [folders.migrate, folders.data]) {
    const names = await readdir(join(root, folder)).catch(() => []);
    for (const name of names) {
      const id = basename(name, extname(name));
      const to = numbered.get(id);
      const from = join(folder, name);
      if (!own.has(id)) continue;
      const before = EXTENSIONS.test(name) ? await readFile(join(root, from), 'utf8') : '';
      const content = versions.reduce(
        withVersion,
        [...numbered].reduce((text, [old, fresh]) => text.replaceAll(old, fresh), before),
      );
      if (to === undefined && content === before) continue;
      moved.set(id, { from, path: to === undefined ? from : join(dirname(from), `${to}${extname(name)}`), content });
    }
  }
  return moved;
}
