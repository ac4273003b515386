import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest } from '../domain/manifest.ts';
import { compareReleases, manifestRelease, type Release } from '../domain/release.ts';
import { changeManifest } from './change-manifest.ts';
import { fileChecksum } from './checksum.ts';
import { writeFiles } from './files.ts';
import { ensureFilesIntact, type History, unfitFiles, unlistedFiles, unlistedSources } from './history.ts';
import { manifestPath } from './manifests.ts';
import { fileOf } from './migrations.ts';

/**
 * Freezes a manifest.
 * @throws PH1013 when there is none, PH1019 when it is cut already, PH2003 when a lower one is open, PH3001, PH3002 and
 * PH3012 when its files are not what it lists.
 */
export async function cutRelease(history: History, release: Release): Promise<void> {
  const manifest = history.manifests.find((candidate) => candidate.release === release);
  if (!manifest) throw new PhaseError('PH1013', { release, known: history.manifests.map((known) => known.release) });
  if (manifest.state === 'released') throw new PhaseError('PH1019', { release, state: manifest.state });
  const open = history.manifests.filter(
    (other) => other.state === 'open' && compareReleases(other.release, release) < 0,
  );
  if (open.length > 0) throw new PhaseError('PH2003', { release, open: open.map((other) => other.release) });
  await ensureFilesIntact(history, [manifest]);
  await writeFiles(history.root, [await changeManifest(history.root, { release, cut: true })]);
}

/**
 * Enters files that are in no manifest into the open manifest of a release, and brings the checksums of all open
 * manifests up to date. Released ones stay as they are.
 * @returns the manifests that changed.
 * @throws PH1019 when files are to be entered and the release is cut, PH3001 when a listed file is missing, PH3021 when the name of one does not fit.
 */
export async function hashFiles(history: History, release: Release | null): Promise<string[]> {
  const unfit = await unfitFiles(history);
  if (unfit.length > 0) throw new PhaseError('PH3021', { files: unfit });
  const unlisted = unlistedFiles(history);
  const sources = await unlistedSources(history);
  const target = unlisted.length + sources.length === 0 ? null : ensureOpen(history, release);
  const changes = [];
  for (const manifest of history.manifests.filter(({ state }) => state === 'open')) {
    const rehash = await newSums(history, manifest);
    if (rehash.size > 0 && manifest.release !== target)
      changes.push(
        await changeManifest(history.root, { release: manifest.release, rehash, touches: forgotten(rehash) }),
      );
  }
  if (target !== null) {
    const own = history.manifests.find((manifest) => manifest.release === target);
    const add = await Promise.all(
      unlisted.map(async ({ id, kind, path }) => ({ id, kind, sha256: await readableSum(history, path) })),
    );
    const addSources = await Promise.all(
      sources.map(async (file) => ({ file, sha256: await readableSum(history, join('db', file)) })),
    );
    const rehash = own ? await newSums(history, own) : new Map<string, string>();
    const touches = forgotten(rehash);
    changes.push(await changeManifest(history.root, { release: target, add, addSources, rehash, touches }));
  }
  await writeFiles(history.root, changes);
  return changes.map(({ path }) => path);
}

/** What an edited migration touches has to be observed again. */
function forgotten(rehash: ReadonlyMap<string, string>): Map<string, null> {
  return new Map([...rehash.keys()].map((id) => [id, null]));
}

/** @throws PH1005 when no release is known, PH1019 when it is cut. */
export function ensureOpen(history: History, release: Release | null): Release {
  if (release === null) throw new PhaseError('PH1005', {});
  // A pre-release runs the manifest of the version that it leads to.
  const own = manifestRelease(
    release,
    history.manifests.map((manifest) => manifest.release),
  );
  const manifest = history.manifests.find((candidate) => candidate.release === own);
  if (manifest?.state === 'released') throw new PhaseError('PH1019', { release: own, state: manifest.state });
  return own;
}

/** @throws PH5011 for a folder, a link that leads nowhere, or a file that may not be read. */
async function readableSum({ root }: History, path: string): Promise<string> {
  const sum = fileChecksum(join(root, path));
  if (sum === null) throw new PhaseError('PH5011', { file: path, reason: 'It cannot be read as a file.' });
  return sum;
}

async function newSums(history: History, manifest: Manifest): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const entry of manifest.migrations) {
    const file = fileOf(history.files, entry);
    const sum = file ? fileChecksum(join(history.root, file.path)) : null;
    if (sum === null) {
      throw new PhaseError('PH3001', { id: entry.id, manifest: manifestPath(manifest.release), folder: 'db' });
    }
    if (sum !== entry.sha256) sums.set(entry.id, sum);
  }
  for (const source of manifest.sources) {
    const sum = fileChecksum(join(history.root, 'db', source.file));
    if (sum === null)
      throw new PhaseError('PH3012', { file: join('db', source.file), manifest: manifestPath(manifest.release) });
    if (sum !== source.sha256) sums.set(source.file, sum);
  }
  return sums;
}
