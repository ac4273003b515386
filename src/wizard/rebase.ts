import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry, ManifestSource } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { changedManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import { type FileChange, writeFiles } from '../project/files.ts';
import { folders, migrationFolder } from '../project/folders.ts';
import { fileInGit, filesInCommit } from '../project/git.ts';
import { sidesOf } from '../project/git-sides.ts';
import { manifestPath, parseManifest } from '../project/manifests.ts';
import { EXTENSIONS } from '../project/migrations.ts';

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

/** A manifest's entry with the release that it is in. */
interface Own {
  readonly release: Release;
  readonly entry: ManifestEntry;
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

interface BaseManifest {
  readonly path: string;
  readonly text: string;
  readonly manifest: Manifest;
}

/** @throws PH1036 */
function readBase(root: string, base: string): BaseManifest[] {
  const files = filesInCommit(root, base, folders.releases);
  if (files === null)
    throw new PhaseError('PH1036', {
      source: `git:${base}`,
      reason: 'git does not know this commit here: fetch it first.',
    });
  return files
    .filter((file) => /\.ya?ml$/i.test(file))
    .map((path) => {
      const text = fileInGit(root, base, path) ?? '';
      return { path, text, manifest: parseManifest(path, text) };
    });
}

/** Of a base that is not merged yet there would be manifests without files. @throws PH1039 */
function ensureMerged(root: string, base: string, bases: readonly BaseManifest[]): void {
  const idsIn = (folder: string): Set<string> => {
    const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
    return new Set(names.filter((name) => EXTENSIONS.test(name)).map((name) => name.replace(EXTENSIONS, '')));
  };
  const here = { schema: idsIn(migrationFolder('schema')), data: idsIn(migrationFolder('data')) };
  const isThere = ({ id, kind, file }: ManifestEntry): boolean =>
    file === undefined ? here[kind].has(id) : existsSync(join(root, file));
  const missing = bases.flatMap(({ manifest }) => manifest.migrations.filter((one) => !isThere(one)));
  if (missing.length > 0) throw new PhaseError('PH1039', { base, ids: missing.map(({ id }) => id) });
}

/** The manifests here, of both sides where git has left conflicts. */
async function readBoth(root: string): Promise<(Manifest & { readonly text: string })[]> {
  const names = await readdir(join(root, folders.releases)).catch(() => []);
  const found: (Manifest & { readonly text: string })[] = [];
  for (const name of names.filter((one) => /\.ya?ml$/i.test(one))) {
    const path = join(folders.releases, name);
    const { ours, theirs, hasConflict } = sidesOf(await readFile(join(root, path), 'utf8'));
    found.push({ ...parseManifest(path, ours), text: ours });
    if (hasConflict) found.push({ ...parseManifest(path, theirs), text: theirs });
  }
  return found;
}

const STAMP = /^(\d{14})_/;

/** New ids for those that would run before something of the base; in the order that they have. */
function renumber(own: readonly Own[], inBase: readonly string[]): Map<string, string> {
  const last = Math.max(0, ...inBase.map((id) => Number(STAMP.exec(id)?.[1] ?? 0)));
  const numbered = new Map<string, string>();
  const ids = [...new Set(own.map(({ entry }) => entry.id))].filter((id) => STAMP.test(id)).sort();
  const first = ids.findIndex((id) => Number(STAMP.exec(id)?.[1]) <= last);
  if (first === -1) return numbered;
  let stamp = last;
  for (const id of ids) {
    const given = Number(STAMP.exec(id)?.[1]);
    stamp = given > stamp ? given : nextStamp(stamp);
    if (stamp !== given) numbered.set(id, `${stamp}${id.slice(14)}`);
  }
  return numbered;
}

/** A second later. */
function nextStamp(stamp: number): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(String(stamp)) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Numbers that are no times are counted on.
  if (!Number.isFinite(time)) return stamp + 1;
  return Number(new Date(time + 1_000).toISOString().replaceAll(/\D/g, '').slice(0, 14));
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

interface VersionRename {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** As phase writes it: `createFunction(knex, 'touch', { version: 2 })`. */
function withVersion(text: string, { name, from, to }: VersionRename): string {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replaceAll(new RegExp(`(['"\`]${escaped}['"\`],\\s*\\{[^}]*?\\bversion:\\s*)${from}\\b`, 'g'), `$1${to}`);
}

interface Versions {
  readonly changes: readonly FileChange[];
  readonly renames: readonly VersionRename[];
  readonly own: readonly ManifestSource[];
}

/** A version that both branches have added is the base's; the branch's own becomes the next one. */
async function settleVersions(
  root: string,
  base: string,
  both: readonly Manifest[],
  inBase: ReadonlyMap<string, ManifestSource>,
): Promise<Versions> {
  const changes: FileChange[] = [];
  const renames: VersionRename[] = [];
  const own: ManifestSource[] = [];
  const listed = both.flatMap(({ sources }) => sources);
  for (const { file, sha256 } of listed) {
    const [, folder, name, digits] = /^(functions|triggers)\/(.+)_v(\d{2,})\.sql$/.exec(file) ?? [];
    const theirs = inBase.get(file);
    if (name === undefined || theirs === undefined || theirs.sha256 === sha256) continue;
    const path = join('db', file);
    const { ours, theirs: other } = sidesOf(await readFile(join(root, path), 'utf8'));
    const mine = [ours, other].find((text) => checksum(text) === sha256) ?? ours;
    const from = Number(digits);
    const taken = [...inBase.keys(), ...listed.map((one) => one.file)].flatMap((one) =>
      Number(new RegExp(`^${folder}/${name}_v(\\d+)\\.sql$`).exec(one)?.[1] ?? 0),
    );
    const to = Math.max(...taken) + 1;
    const fresh = `${folder}/${name}_v${String(to).padStart(2, '0')}.sql`;
    changes.push(
      { path, content: fileInGit(root, base, path) ?? mine, mode: 'replace' },
      { path: join('db', fresh), content: mine, mode: 'create' },
    );
    renames.push({ name, from, to });
    own.push({ file: fresh, sha256: checksum(mine) });
  }
  return { changes, renames, own };
}

function ownSources(
  both: readonly Manifest[],
  inBase: ReadonlyMap<string, ManifestSource>,
  settled: readonly ManifestSource[],
): (ManifestSource & { readonly release: Release })[] {
  const known = new Set([...inBase.keys(), ...settled.map(({ file }) => file)]);
  return both.flatMap(({ release, sources }) =>
    sources.filter(({ file }) => !known.has(file)).map((source) => ({ ...source, release })),
  );
}

/** Where something of a release goes: to that release, or, once the base has cut it, to an open one above. @throws PH1040 */
function targetsOf(both: readonly Manifest[], bases: readonly BaseManifest[], given: Release | null) {
  const cut = new Set(
    bases.filter(({ manifest }) => manifest.state === 'released').map(({ manifest }) => manifest.release),
  );
  const open = [...new Set(both.map(({ release }) => release))]
    .filter((release) => !cut.has(release))
    .sort(compareReleases);
  return (release: Release, entry: Pick<ManifestEntry, 'id' | 'rename'>): Release => {
    if (!cut.has(release)) return release;
    const next = given ?? open.find((one) => compareReleases(one, release) > 0);
    if (next === undefined || cut.has(next) || entry.rename !== undefined)
      throw new PhaseError('PH1040', { id: entry.id, release, isRename: entry.rename !== undefined });
    return next;
  };
}

function manifestChanges(
  {
    bases,
    both,
  }: { readonly bases: readonly BaseManifest[]; readonly both: readonly (Manifest & { readonly text: string })[] },
  own: readonly Own[],
  sources: readonly (ManifestSource & { readonly release?: Release })[],
  target: (release: Release, entry: Pick<ManifestEntry, 'id' | 'rename'>) => Release,
): FileChange[] {
  const placed = sources.map(({ file, sha256, release }) => ({
    file,
    sha256,
    release: release === undefined ? (own[0]?.release ?? null) : target(release, { id: file, rename: undefined }),
  }));
  const releases = new Set([
    ...own.map(({ release }) => release),
    ...placed.flatMap(({ release }) => release ?? []),
    ...bases.map(({ manifest }) => manifest.release),
  ]);
  return [...releases].map((release): FileChange => {
    const found = bases.find(({ manifest }) => manifest.release === release);
    const path = found?.path ?? manifestPath(release);
    const here = both.find((manifest) => manifest.release === release);
    const add = unique(own.filter((one) => one.release === release).map(({ entry }) => entry));
    const addSources = placed.filter((one) => one.release === release).map(({ file, sha256 }) => ({ file, sha256 }));
    if (found !== undefined) {
      const isSame = add.length === 0 && addSources.length === 0;
      return {
        path,
        content: isSame ? found.text : changedManifest(path, found.text, { add, addSources }),
        mode: 'replace',
      };
    }
    // One that only the branch has keeps what somebody wrote into it.
    const before = here?.text ?? `release: ${release}\nstate: open\nmigrations: []\n`;
    const remove = new Set(here?.migrations.map(({ id }) => id));
    const removeSources = new Set(addSources.map(({ file }) => file));
    return {
      path,
      content: changedManifest(path, before, { remove, removeSources, add, addSources }),
      mode: 'replace',
    };
  });
}

const unique = (entries: readonly ManifestEntry[]): ManifestEntry[] =>
  [...new Map(entries.map((entry) => [entry.id, entry])).values()].sort((one, other) => (one.id < other.id ? -1 : 1));
