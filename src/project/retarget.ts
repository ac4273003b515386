import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry, ManifestSource, Phase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';
import { writeFiles } from './files.ts';
import type { History } from './history.ts';
import { changeManifest, type ManifestChange } from './manifests.ts';
import { fileOf } from './migrations.ts';

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
export async function retargetPhase(history: History, target: Retarget): Promise<ManifestChange[]> {
  const rename = history.renames.get(target.rename);
  if (!rename) throw new PhaseError('PH1026', { rename: target.rename, known: [...history.renames.keys()] });
  const standing = phaseOf(history, target, target.phase);
  ensureMovable(history, target, standing);
  const sources = await sourcesOf(history, rename, target.phase, standing);
  const from: ManifestChange = {
    release: standing.manifest.release,
    remove: new Set(standing.entries.map(({ id }) => id)),
    removeSources: new Set(sources.map(({ file }) => file)),
  };
  const to: ManifestChange = { release: target.release, add: standing.entries, addSources: sources };
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

/** The third phase breaks every release below that of the second. */
function breaksFrom(history: History, target: Retarget): ManifestChange {
  const { manifest, entries } = phaseOf(history, target, 3);
  const breaks = entries
    .filter((entry) => entry.breaks !== undefined)
    .map(({ id }) => [id, `<${target.release}`] as const);
  return { release: manifest.release, breaks: new Map(breaks) };
}

/** Its own files, and the versions of functions and triggers that only its migrations name. */
async function sourcesOf(
  history: History,
  rename: Rename,
  phase: Phase,
  { manifest, entries }: Standing,
): Promise<ManifestSource[]> {
  const own = new Set(entries.map(({ id }) => id));
  const texts = await Promise.all(
    manifest.migrations.map(async (entry) => ({ isOwn: own.has(entry.id), text: await textOf(history, entry) })),
  );
  const facts = factsOf(rename.name, phase);
  return manifest.sources.filter(({ file }) => {
    if (facts.test(file)) return true;
    const name = `'${basename(file).replace(/_v\d{2,}\.sql$/, '')}'`;
    return (
      texts.some(({ isOwn, text }) => isOwn && text.includes(name)) &&
      !texts.some(({ isOwn, text }) => !isOwn && text.includes(name))
    );
  });
}

/** The rename's file belongs to phase 1, what refreshes have added to phase 3. */
function factsOf(rename: string, phase: Phase): RegExp {
  const ending = { 1: '', 2: '(?!)', 3: String.raw`_refresh_\d+` }[phase];
  return new RegExp(`^renames/${rename}${ending}\\.yml$`);
}

async function textOf({ root, files }: History, entry: ManifestEntry): Promise<string> {
  const file = fileOf(files, entry);
  return file ? readFile(join(root, file.path), 'utf8') : '';
}
