import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';

/**
 * Before a release is cut: no rename has a phase in an earlier one and the next phase nowhere. What is begun would never
 * be ended, and the sync would stay.
 * @throws PH3018
 */
export function ensurePhasesFollow(manifests: readonly Manifest[], release: Release): void {
  for (const { rename, phase, release: at } of unfollowed(manifests)) {
    if (compareReleases(at, release) < 0) throw new PhaseError('PH3018', { rename, phase, at, release });
  }
}

/** Renames whose last phase that a manifest lists is not the third. */
function unfollowed(manifests: readonly Manifest[]): { rename: string; phase: number; release: Release }[] {
  const last = new Map<string, { rename: string; phase: number; release: Release }>();
  for (const { release, migrations } of manifests) {
    for (const { rename, phase, step } of migrations) {
      if (rename === undefined || phase === undefined || step === 'refresh') continue;
      if ((last.get(rename)?.phase ?? 0) < phase) last.set(rename, { rename, phase, release });
    }
  }
  return [...last.values()].filter(({ phase }) => phase < 3);
}
