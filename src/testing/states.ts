import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { compareReleases, manifestRelease, parseRelease, type Release } from '../domain/release.ts';
import { findConfigFile } from '../project/find-config.ts';
import { readManifestsSync } from '../project/manifests.ts';

/** Which migrations the schema has that a suite runs on. */
export interface SchemaState {
  readonly name: 'before' | 'after';
  /** Releases whose manifests have run. */
  readonly releases: readonly Release[];
}

export interface States {
  readonly root: string;
  readonly release: Release;
  readonly states: readonly SchemaState[];
}

/**
 * The schema before and after what a release adds; one state where it adds nothing. Everything is read at once, since a
 * suite is described before anything can be waited for.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for manifests that cannot be used.
 */
export function statesOf(from: string, given: Release | undefined): States {
  const config = findConfigFile(from);
  const root = config === null ? resolve(from) : dirname(config);
  const release = given === undefined ? releaseOf(root, config) : parseRelease(given);
  if (release === null) throw new PhaseError('PH1005', {});
  const manifests = readManifestsSync(root);
  const own = manifestRelease(
    release,
    manifests.map((manifest) => manifest.release),
  );
  const before = manifests.filter((manifest) => compareReleases(manifest.release, own) < 0);
  const adds = manifests.find((manifest) => manifest.release === own)?.migrations ?? [];
  const releases = before.map((manifest) => manifest.release);
  const after: SchemaState = { name: 'after', releases: [...releases, own] };
  return { root, release, states: adds.length === 0 ? [after] : [{ name: 'before', releases }, after] };
}

function releaseOf(root: string, config: string | null): Release | null {
  const release = config === null ? undefined : configuredRelease(config);
  if (release !== undefined) return parseRelease(release);
  try {
    return parseRelease(String(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version));
  } catch {
    return null;
  }
}

function configuredRelease(file: string): string | undefined {
  if (file.endsWith('.json')) return JSON.parse(readFileSync(file, 'utf8')).release;
  const triphase = { defineConfig: (config: object) => config };
  const load = createJiti(import.meta.url, { moduleCache: false, fsCache: false, virtualModules: { triphase } });
  const module = load(file) as { default?: { release?: string }; release?: string };
  return (module.default ?? module).release;
}
