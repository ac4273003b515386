import { relative } from 'node:path';
import { type Change, changesOf, isRename } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry, ManifestSource, Phase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { onErrorOf, partsOf, syncFunctions, syncTriggers } from '../domain/rename.ts';
import { changeManifest, type ManifestChange } from './change-manifest.ts';
import { writeFiles } from './files.ts';
import { versionFile } from './folders.ts';
import type { History } from './history.ts';
import { changePath } from './renames.ts';

export interface Retarget {
  readonly rename: string;
  readonly phase: Phase;
  readonly release: Release;
}

/** A phase where it stands now. */
interface Standing {
  readonly manifest: Manifest;
  readonly entries: readonly ManifestEntry[];
}

/**
 * Moves what a phase of a rename brings to another open manifest.
 * @returns how the manifests change; nothing is written yet.
 * @throws PH1026 for an unknown rename, PH1027 when it cannot be moved there, PH1019 when either release is cut.
 */
export function retargetPhase(history: History, target: Retarget): ManifestChange[] {
  const changes = changesOf(history);
  const rename = changes.get(target.rename);
  if (!rename) throw new PhaseError('PH1026', { rename: target.rename, known: [...changes.keys()] });
  const standing = phaseOf(history, target, target.phase);
  ensureMovable(history, target, standing);
  const sources = sourcesOf(history, rename, target.phase, standing);
  const from: ManifestChange = {
    release: standing.manifest.release,
    remove: new Set(standing.entries.map(({ id }) => id)),
    removeSources: new Set(sources.map(({ file }) => file)),
  };
  const entries = standing.entries.map((entry) => withOwnBreaks(entry, target.release));
  const to: ManifestChange = { release: target.release, add: entries, addSources: sources };
  return [from, to, ...(target.phase === 2 ? [breaksFrom(history, target)] : [])];
}

/** Writes changes of manifests: all of them or none. @returns their paths. */
export async function writeManifests(root: string, changes: readonly ManifestChange[]): Promise<string[]> {
  const files = await Promise.all(changes.map((change) => changeManifest(root, change)));
  await writeFiles(root, files);
  return files.map(({ path }) => path);
}

/** The manifests as they are after some changes. */
export function withChanges(history: History, changes: readonly ManifestChange[]): Manifest[] {
  const manifests = new Map(history.manifests.map((manifest) => [manifest.release, manifest]));
  for (const { release, add = [], addSources = [], remove, breaks } of changes) {
    const before = manifests.get(release) ?? { release, state: 'open' as const, migrations: [], sources: [] };
    const kept = before.migrations.filter(({ id }) => !remove?.has(id));
    const migrations = [...kept, ...add].map((entry) => {
      const range = breaks?.get(entry.id);
      return range === undefined ? entry : { ...entry, breaks: range };
    });
    manifests.set(release, { ...before, migrations, sources: [...before.sources, ...addSources] });
  }
  return [...manifests.values()].sort((a, b) => compareReleases(a.release, b.release));
}

function phaseOf({ manifests }: History, { rename, release }: Retarget, phase: Phase): Standing {
  for (const manifest of manifests) {
    const entries = manifest.migrations.filter((entry) => entry.rename === rename && entry.phase === phase);
    // What a refresh has put into a release before the phase stays there.
    if (entries.length > 0 && entries.every(({ step }) => step === 'refresh')) continue;
    if (entries.length > 0) return { manifest, entries };
  }
  throw new PhaseError('PH1027', { rename, phase, release, reason: 'No manifest lists that phase.' });
}

function ensureMovable(history: History, target: Retarget, { manifest }: Standing): void {
  const { rename, phase, release } = target;
  const refuse = (reason: string): never => {
    throw new PhaseError('PH1027', { rename, phase, release, reason });
  };
  if (manifest.release === release) refuse('It stands there already.');
  const there = history.manifests.find((other) => other.release === release);
  for (const { release: own, state } of [manifest, ...(there ? [there] : [])]) {
    if (state === 'released') throw new PhaseError('PH1019', { release: own, state });
  }
  for (const other of [1, 2, 3] as const) {
    if (other === phase || !history.manifests.some((listed) => lists(listed, rename, other))) continue;
    const neighbour = phaseOf(history, target, other).manifest.release;
    const order = compareReleases(neighbour, release);
    if (order === 0) refuse(`Phase ${other} is in ${neighbour}: two phases cannot be in one release.`);
    if (order > 0 !== other > phase) refuse(`Phase ${other} is in ${neighbour}, and phases cannot pass each other.`);
  }
}

function lists({ migrations }: Manifest, rename: string, phase: Phase): boolean {
  return migrations.some((entry) => entry.rename === rename && entry.phase === phase && entry.step !== 'refresh');
}

/** The exchange of a retype breaks every release below its own. */
function withOwnBreaks(entry: ManifestEntry, release: Release): ManifestEntry {
  return entry.step === 'switch' && entry.breaks !== undefined ? { ...entry, breaks: `<${release}` } : entry;
}

/** The third phase breaks every release below that of the second. */
function breaksFrom(history: History, target: Retarget): ManifestChange {
  const { manifest, entries } = phaseOf(history, target, 3);
  const breaks = entries
    .filter((entry) => entry.breaks !== undefined)
    .map(({ id }) => [id, `<${target.release}`] as const);
  return { release: manifest.release, breaks: new Map(breaks) };
}

/** The files of a phase that its manifest lists: by what the rename says of itself, which was scaffolded with them. */
function sourcesOf(history: History, rename: Change, phase: Phase, { manifest }: Standing): ManifestSource[] {
  const own = new Set(filesOf(history, rename, phase).map((path) => relative('db', path)));
  const isRefresh = new RegExp(`^renames/${rename.name}_refresh_\\d+\\.yml$`);
  return manifest.sources.filter(({ file }) => own.has(file) || (phase === 3 && isRefresh.test(file)));
}

/** The rename's own file belongs to phase 1, what refreshes have added to phase 3. */
function filesOf(history: History, change: Change, phase: Phase): string[] {
  const parts = isRename(change) ? partsOf(history.renames.values(), change.name) : [change];
  return parts.flatMap((part) => filesOfPart(part, phase));
}

function filesOfPart(change: Change, phase: Phase): string[] {
  const { sync } = change;
  const versions = isRename(change) ? change.versions : [];
  const copies = versions
    .filter((copy) => copy.phase === phase)
    .flatMap(({ file, version, withBase }) => [
      versionFile('function', file, version),
      ...(withBase ? [versionFile('function', file, version - 1)] : []),
    ]);
  if (phase === 3) return copies;
  return [
    ...(phase === 1 ? [changePath(change)] : []),
    ...(phase === 1 ? onErrorOf(change) : []).map((body) => versionFile('function', body, 1)),
    ...syncFunctions(sync, phase).map((body) => versionFile('function', body, 1)),
    ...syncTriggers(sync, phase).map((body) => versionFile('trigger', body, 1)),
    ...copies,
  ];
}
