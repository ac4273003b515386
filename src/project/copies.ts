import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { firstOfEach } from '../domain/group.ts';
import type { Release } from '../domain/release.ts';
import type { RenamedFunction } from '../domain/rename.ts';
import { versionFile } from './folders.ts';
import type { History } from './history.ts';
import { readVersion } from './versions.ts';

/** How the copy of a function begins until somebody has reviewed it. */
const UNEDITED_COPY = '-- For phase 2 of the rename of';

/** Whether a version is still the copy that was scaffolded. @param before the version before it. */
function isUnedited(content: string, before: string): boolean {
  return content.startsWith(UNEDITED_COPY) && withoutHead(content).trim() === withoutHead(before).trim();
}

function withoutHead(content: string): string {
  return content.startsWith(UNEDITED_COPY) ? content.slice(content.indexOf('\n') + 1) : content;
}

interface UneditedCopy extends RenamedFunction {
  readonly rename: string;
  /** Relative to the root. */
  readonly path: string;
}

/** Copies of functions that are still as they were scaffolded, and that the manifest of one of these releases lists. */
export async function uneditedCopies(
  { root, renames, manifests }: History,
  releases: readonly Release[],
): Promise<UneditedCopy[]> {
  const found: UneditedCopy[] = [];
  const listed = new Set(
    manifests
      .filter(({ release }) => releases.includes(release))
      .flatMap(({ sources }) => sources.map(({ file }) => join('db', file))),
  );
  for (const { name, versions } of renames.values()) {
    for (const copy of versions) {
      const { file, version } = copy;
      const path = versionFile('function', file, version);
      if (!listed.has(path)) continue;
      const [content, before] = await Promise.all(
        [version, version - 1].map((one) => readVersion(root, 'function', file, one).catch(() => '')),
      );
      if (isUnedited(content ?? '', before ?? '')) found.push({ ...copy, rename: name, path });
    }
  }
  // A function may name several columns that are renamed together.
  return firstOfEach(found, ({ path }) => path);
}

/** Before the release of a second phase is cut: what is frozen has been reviewed. @throws PH3020 */
export async function ensureCopiesReviewed(history: History, release: Release): Promise<void> {
  const copies = await uneditedCopies(history, [release]);
  const files = copies.map(({ path }) => path);
  if (files.length > 0) throw new PhaseError('PH3020', { release, files });
}
