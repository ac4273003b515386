import { join, relative } from 'node:path';
import type { ManifestSource } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import type { ChangeKind } from '../domain/rename.ts';
import type { TableFacts } from '../objects/table-facts.ts';
import type { KnownVersion } from '../planner/rename/function-versions.ts';
import { checksum } from '../project/checksum.ts';
import { folders, migrationFolder } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { lastVersion, readVersion } from '../project/versions.ts';
import type { ScaffoldedFile } from '../scaffold/rename.ts';

/** A file that the wizard writes, as `phase new rename-column --json` prints it. */
export interface WrittenFile {
  readonly path: string;
  readonly release: Release;
  readonly phase: 1 | 2 | 3;
  readonly kind: 'schema' | 'data' | 'function' | 'trigger' | ChangeKind | 'manifest';
}

/** What db/functions holds of the functions that name the column. */
export async function knownVersions(root: string, { mentions }: TableFacts): Promise<Map<string, KnownVersion>> {
  const known = new Map<string, KnownVersion>();
  for (const { versionName: name } of mentions) {
    const version = await lastVersion(root, 'function', name);
    if (version > 0) known.set(name, { version, content: await readVersion(root, 'function', name, version) });
  }
  return known;
}

/** The new ids sort after all that exist, also when two renames are scaffolded in one second. */
export function afterExisting({ files }: History, now: Date): Date {
  const stamps = files
    .map(({ id }) => /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_/.exec(id))
    .filter((match) => match !== null);
  const latest = Math.max(
    0,
    ...stamps
      .map((match) => Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`))
      .filter(Number.isFinite),
  );
  const isNear = latest - now.getTime() < 86_400_000;
  return isNear && latest >= now.getTime() - 1_000 ? new Date(latest + 1_000) : now;
}

/** Where a scaffolded file goes, relative to the root. */
export function pathOf({ kind, fileName }: ScaffoldedFile): string {
  const folder =
    kind === 'function' ? folders.functions : kind === 'trigger' ? folders.triggers : migrationFolder(kind);
  return join(folder, fileName);
}

/** The manifest's entry for a file that is not run by itself. */
export function sourceOf(path: string, content: string): ManifestSource {
  return { file: relative('db', path), sha256: checksum(content) };
}
