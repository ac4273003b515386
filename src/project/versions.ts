import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { withoutBom } from './checksum.ts';
import { folders, versionFile } from './folders.ts';

export type VersionedKind = 'function' | 'trigger';

/**
 * The SQL of a version of a function or trigger.
 * @throws PH1017 when its file does not exist.
 */
export async function readVersion(root: string, kind: VersionedKind, name: string, version: number): Promise<string> {
  const file = versionFile(kind, name, version);
  const text = await readFile(join(root, file), 'utf8').catch((error) => {
    throw new PhaseError('PH1017', { kind, name, version, file }, { cause: error });
  });
  return withoutBom(text);
}

/** The highest version that has a file, 0 when there is none. The name may itself look like a version (`v2_sync`). */
export async function lastVersion(root: string, kind: VersionedKind, name: string): Promise<number> {
  const names = await readdir(join(root, folders[`${kind}s`])).catch(() => []);
  const versions = names
    .filter((file) => file.startsWith(`${name}_v`) && file.endsWith('.sql'))
    .map((file) => file.slice(`${name}_v`.length, -'.sql'.length))
    .filter((digits) => /^\d{2,}$/.test(digits))
    .map(Number);
  return Math.max(0, ...versions);
}

/** Names of all functions or triggers that have a versioned file. */
export async function listVersionedNames(root: string, kind: VersionedKind): Promise<string[]> {
  const names = await readdir(join(root, folders[`${kind}s`])).catch(() => []);
  return [...new Set(names.map((file) => /^(.+)_v\d{2,}\.sql$/.exec(file)?.[1]).filter((name) => name !== undefined))];
}
