import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { releaseOfPhase } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import type { RenamedFunction } from '../domain/rename.ts';
import { folders } from './folders.ts';
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

/** Copies of functions that are still as they were scaffolded, of renames whose second phase is in one of these releases. */
export async function uneditedCopies(
  { root, renames, manifests }: History,
  releases: readonly Release[],
): Promise<UneditedCopy[]> {
  const found: UneditedCopy[] = [];
  for (const { name, versions } of renames.values()) {
    const second = releaseOfPhase(manifests, name, 2);
    if (second === null || !releases.includes(second)) continue;
    for (const copy of versions) {
      const { file, version } = copy;
      const [content, before] = await Promise.all(
        [version, version - 1].map((one) => readVersion(root, 'function', file, one).catch(() => '')),
      );
      const path = join(folders.functions, `${file}_v${String(version).padStart(2, '0')}.sql`);
      if (isUnedited(content ?? '', before ?? '')) found.push({ ...copy, rename: name, path });
    }
  }
  return found;
}

/** Before the release of a second phase is cut: what is frozen has been reviewed. @throws PH3020 */
export async function ensureCopiesReviewed(history: History, release: Release): Promise<void> {
  const copies = await uneditedCopies(history, [release]);
  const files = copies.map(({ path }) => path);
  if (files.length > 0) throw new PhaseError('PH3020', { release, files });
}
