import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lostAttributes } from '../catalog/attributes.ts';
import { findTable } from '../catalog/find-table.ts';
import { readTableFacts } from '../catalog/table-facts.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { type Phase, releaseOfPhase } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';
import { planRefresh } from '../planner/rename/refresh.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { checksum } from '../project/checksum.ts';
import type { FileChange } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { changeManifest, manifestPath } from '../project/manifests.ts';
import { ensureOpen } from '../project/release-files.ts';
import { refreshPath, renderRefresh } from '../project/renames.ts';
import { scaffoldStep, scaffoldVersion } from '../scaffold/rename.ts';
import { earlierRenames, renameInAdvance } from './earlier-renames.ts';
import { afterExisting, knownVersions, pathOf, sourceOf, type WrittenFile } from './files.ts';

/** What a refresh would write; no file when nothing is missing. */
export interface RefreshDraft {
  readonly files: readonly WrittenFile[];
  readonly changes: readonly FileChange[];
  readonly warnings: readonly Warning[];
}

/**
 * Drafts what a rename does not carry over yet, of what hangs on the old column in a database, as one more migration of its
 * third phase.
 * @throws PH1026 when there is no such rename, PH1019 when its third release is cut, PH2001.
 */
export async function draftRefresh(
  db: Queryable,
  history: History,
  name: string,
  { now, rewriteLimit }: { readonly now: Date; readonly rewriteLimit: number },
): Promise<RefreshDraft> {
  const rename = history.renames.get(name);
  if (!rename) throw new PhaseError('PH1026', { rename: name, known: [...history.renames.keys()] });
  const releases = releasesOf(history, rename);
  ensureOpen(history, releases[2]);
  const table = await findTable(db, quoteQualified(rename.table));
  const facts = await readTableFacts(db, table, rename, async () => {
    await renameInAdvance(db, earlierRenames(history, releases[0]), name);
  });
  const number = await nextNumber(history.root, name);
  const functions = await knownVersions(history.root, facts);
  const plan = planRefresh(facts, {
    rename,
    releases,
    number,
    now: afterExisting(history, now),
    functions,
    attributesDiffer: await attributesDiffer(db, history, rename, table.oid),
    rewriteLimit,
  });
  if (plan === null) return { files: [], changes: [], warnings: [] };
  const migration = scaffoldStep(name, plan.step);
  const versions = plan.versions.flatMap(scaffoldVersion);
  const release = releases[2];
  const carried = { path: refreshPath(name, number), content: renderRefresh(name, plan.carried) };
  const manifest = await changeManifest(history.root, {
    release,
    add: [
      {
        id: plan.step.id,
        kind: 'schema',
        sha256: checksum(migration.content),
        rename: name,
        phase: 3,
        step: 'refresh',
      },
    ],
    addSources: [
      ...versions.map((file) => sourceOf(pathOf(file), file.content)),
      sourceOf(carried.path, carried.content),
    ],
  });
  const scaffolded = [migration, ...versions];
  const phase = 3 as const;
  return {
    files: [
      ...scaffolded.map((file) => ({ path: pathOf(file), release, phase, kind: file.kind })),
      { path: carried.path, release, phase, kind: 'rename' },
      { path: manifestPath(release), release, phase, kind: 'manifest' },
    ],
    changes: [
      ...scaffolded.map((file) => ({ path: pathOf(file), content: file.content, mode: 'create' as const })),
      { ...carried, mode: 'create' },
      manifest,
    ],
    warnings: plan.warnings,
  };
}

/** A refresh that copies attributes and has not run yet copies what differs then. */
async function attributesDiffer(db: Queryable, history: History, rename: Rename, table: number): Promise<boolean> {
  const lost = await inRolledBackTransaction(db, () => lostAttributes(db, table, rename, 3));
  if (lost.length === 0) return false;
  const applied = await appliedMigrations(db);
  for (const { id, path } of history.files) {
    if (!id.includes(`_${rename.name}_phase_3_refresh_`) || applied.has(id)) continue;
    if ((await readFile(join(history.root, path), 'utf8')).includes('copyAttributes(')) return false;
  }
  return true;
}

async function appliedMigrations(db: Queryable): Promise<Set<string>> {
  const ledger = await all<{ present: boolean }>(db, `SELECT to_regclass('phase.migrations') IS NOT NULL AS present`);
  if (ledger[0]?.present !== true) return new Set();
  const rows = await all<{ id: string }>(db, `SELECT id FROM phase.migrations WHERE state = 'applied'`);
  return new Set(rows.map(({ id }) => id));
}

function releasesOf({ manifests }: History, { name }: Rename): [Release, Release, Release] {
  const releaseOf = (phase: Phase): Release => {
    const release = releaseOfPhase(manifests, name, phase);
    if (release === null) throw new PhaseError('PH1026', { rename: name, known: [] });
    return release;
  };
  return [releaseOf(1), releaseOf(2), releaseOf(3)];
}

async function nextNumber(root: string, name: string): Promise<number> {
  const files = new Set(await readdir(join(root, folders.renames)).catch(() => []));
  for (let number = 1; ; number++) if (!files.has(`${name}_refresh_${number}.yml`)) return number;
}
