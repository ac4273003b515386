import { compareReleases, type Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { ensurePhasesFollow } from '../planner/phases-follow.ts';
import { ensureRenamesApart } from '../planner/renames-apart.ts';
import type { History } from '../project/history.ts';
import { cutRelease } from '../project/release-files.ts';

/**
 * Freezes a manifest whose place in the order is right: it never changes again.
 * @throws what cutRelease throws; what the order refuses; PH3017 for renames that overlap, PH3018 for a phase that is
 * due and nowhere.
 */
export async function cut(history: History, release: Release): Promise<void> {
  orderMigrations(history.manifests.filter((manifest) => compareReleases(manifest.release, release) <= 0));
  ensureRenamesApart(history.manifests, history.renames, release);
  ensurePhasesFollow(history.manifests, release);
  await cutRelease(history, release);
}
