import { changesOf } from '../domain/change.ts';
import type { Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { ensurePhasesFollow } from '../planner/phases-follow.ts';
import { ensureRenamesApart } from '../planner/renames-apart.ts';
import { ensureCopiesReviewed } from '../project/copies.ts';
import type { History } from '../project/history.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import type { ModuleSource } from '../project/modules.ts';
import { cutRelease } from '../project/release-files.ts';

/**
 * Freezes a manifest whose place in the order is right: it never changes again.
 * @throws what cutRelease and loadMigration throw; what the order refuses; PH3017 for renames that overlap, PH3018 for a phase that is
 * due and nowhere, PH3020 for copies of functions that nobody has edited.
 */
export async function cut(source: ModuleSource, history: History, release: Release): Promise<void> {
  // Of all manifests: a later one may hold what should be in this one.
  orderMigrations(history.manifests);
  ensureRenamesApart(history.manifests, changesOf(history), release);
  ensurePhasesFollow(history.manifests, release);
  await ensureLoadable(source, history, release);
  await ensureCopiesReviewed(history, release);
  await cutRelease(history, release);
}

/** What cannot be loaded could never be mended once it is frozen. */
async function ensureLoadable(source: ModuleSource, { manifests, files }: History, release: Release): Promise<void> {
  const entries = manifests.find((manifest) => manifest.release === release)?.migrations ?? [];
  for (const entry of entries) {
    const file = fileOf(files, entry);
    if (file) await loadMigration(source, file);
  }
}
