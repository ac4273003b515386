import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, ManifestSource } from '../../domain/manifest.ts';
import { checksum } from '../../project/checksum.ts';
import type { FileChange } from '../../project/files.ts';
import { fileInGit } from '../../project/git.ts';
import { sidesOf } from '../../project/git-sides.ts';

/** A version of a function or trigger that becomes another one. */
export interface VersionRename {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** A text with the new number where it names the version, as phase writes it: `createFunction(knex, 'touch', { version: 2 })`. */
export function withVersion(text: string, { name, from, to }: VersionRename): string {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replaceAll(new RegExp(`(['"\`]${escaped}['"\`],\\s*\\{[^}]*?\\bversion:\\s*)${from}\\b`, 'g'), `$1${to}`);
}

/** What was settled. */
export interface Versions {
  readonly changes: readonly FileChange[];
  readonly renames: readonly VersionRename[];
  readonly own: readonly ManifestSource[];
}

/** A version that both branches have added is the base's; the branch's own becomes the next one. */
export async function settleVersions(
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
