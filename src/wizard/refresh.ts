import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lostAttributes } from '../catalog/attributes.ts';
import { findTable } from '../catalog/find-table.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import { type Phase, releaseOfPhase } from '../domain/manifest.ts';
import { compareReleases, nextPatch, type Release } from '../domain/release.ts';
import { partsOf, type Rename, wholeOf } from '../domain/rename.ts';
import { migrationsSoFar } from '../ledger/migrations.ts';
import { readTableFacts } from '../objects/table-facts.ts';
import { renamedFunction } from '../planner/rename/function-versions.ts';
import { planRefresh, type RefreshedColumn } from '../planner/rename/refresh.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import type { FileChange } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { refreshPath } from '../project/renames.ts';
import { renderRefresh } from '../project/render-rename.ts';
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
 * @param into the release that it goes into; null for that of the third phase.
 * @throws PH1026 when there is no such rename, PH1019 when that release is cut, PH2001.
 */
export async function draftRefresh(
  db: LedgerDb,
  history: History,
  named: string,
  { now, rewriteLimit, into }: { readonly now: Date; readonly rewriteLimit: number; readonly into: Release | null },
): Promise<RefreshDraft> {
  const given = history.renames.get(named);
  if (!given) throw new PhaseError('PH1026', { rename: named, known: [...history.renames.keys()] });
  // What a gate says is of one column: they are refreshed together.
  const name = wholeOf(given);
  const rename = history.renames.get(name) ?? given;
  if (rename.retype !== null) {
    const allowed =
      'a rename: what has come to hang on a column that gets another type the runner carries over by itself';
    throw new PhaseError('PH1015', { what: '--refresh', value: name, allowed });
  }
  const releases = releasesOf(history, rename);
  const release = ensureUsable(history, rename, releases, into);
  const table = await findTable(db, quoteQualified(rename.table));
  const prepare = async () => {
    await renameInAdvance(db, earlierRenames(history, releases[0]), name);
  };
  const renames = partsOf(history.renames.values(), name);
  const columns = await mapInTurn(renames, async (part) => {
    const others = renames.filter((other) => other !== part).map(({ from, to }) => ({ from, to, table }));
    const { from, to } = part;
    const facts = await readTableFacts(db, table, { from, to, others }, { prepare });
    return { rename: part, facts, attributesDiffer: await attributesDiffer(db, part, table.oid) };
  });
  const number = await nextNumber(history.root, name);
  const functions = await mapInTurn(columns, ({ facts }) => knownVersions(history.root, facts));
  const plan = planRefresh(columns as [RefreshedColumn, ...RefreshedColumn[]], {
    releases,
    into: release,
    number,
    now: afterExisting(history, now),
    functions: new Map(functions.flatMap((known) => [...known])),
    rewriteLimit,
  });
  if (plan === null) return { files: [], changes: [], warnings: [] };
  const migration = scaffoldStep(rename, plan.step);
  const versions = plan.versions.flatMap(scaffoldVersion);
  const refreshed = plan.columns.map(({ rename: { from }, carried: objects, ...column }) => ({
    from,
    carried: objects,
    versions: column.versions.map(renamedFunction(3)),
    copying: column.copiesAttributes ? [plan.step.id] : [],
  }));
  const [first, ...others] = refreshed;
  if (first === undefined) throw new TypeError('a rename has a column');
  const isAdded = ({ carried: objects, versions: copies, copying }: (typeof refreshed)[number]): boolean =>
    objects.length > 0 || copies.length > 0 || copying.length > 0;
  const carried = {
    path: refreshPath(name, number),
    content: renderRefresh(name, first, others.filter(isAdded)),
  };
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

/**
 * The release that a refresh goes into: that of the third phase while it is open, else one between it and the second.
 * @throws PH1019, which says which one may be given.
 */
function ensureUsable(
  history: History,
  { name }: Rename,
  [, second, third]: readonly [Release, Release, Release],
  into: Release | null,
): Release {
  const release = into ?? third;
  const isBetween = compareReleases(second, release) < 0 && compareReleases(release, third) <= 0;
  const state = history.manifests.find((manifest) => manifest.release === release)?.state;
  if (isBetween && state !== 'released') return release;
  const before = history.manifests.map((manifest) => manifest.release).filter((one) => compareReleases(one, third) < 0);
  const example = nextPatch(before.at(-1) ?? second);
  const instead =
    compareReleases(example, third) < 0
      ? `Give --release a hotfix release after ${second} and before ${third} that is not cut, such as ${example}: phase new rename-column --refresh ${name} --release ${example}; cut it, and migrate again.`
      : `Between ${second} and ${third} there is no release. Drop what is named on this database and make it again after phase 3, or acknowledge that it goes (phase acknowledge).`;
  throw new PhaseError('PH1019', {
    release,
    state: isBetween ? 'released' : `not between ${second} and ${third}`,
    instead,
  });
}

/** A refresh that copies attributes and has not run yet copies what differs then. */
async function attributesDiffer(db: LedgerDb, rename: Rename, table: number): Promise<boolean> {
  const lost = await inRolledBackTransaction(db, () => lostAttributes(db, table, rename, 3));
  if (lost.length === 0) return false;
  const applied = await appliedMigrations(db);
  return rename.copying.every((id) => applied.has(id));
}

async function appliedMigrations(db: LedgerDb): Promise<Set<string>> {
  const rows = await migrationsSoFar(db);
  return new Set(rows.filter(({ state }) => state === 'applied').map(({ id }) => id));
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
