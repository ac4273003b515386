import { PhaseError } from '../domain/errors/phase-error.ts';
import { groupBy } from '../domain/group.ts';
import type { Manifest, ManifestEntry } from '../domain/manifest.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { STEP_NAMES } from '../domain/rename.ts';

/**
 * The one total order of all migrations: release, then dependencies, then timestamp. A dependency beats a timestamp,
 * since branches merge late and a parent often has the higher number.
 * @throws PH3007 for a circle, PH3008 for an impossible dependency, PH3009 for phases out of order, PH3015 for entries
 * of one migration that differ.
 */
export function orderMigrations(manifests: readonly Manifest[]): OrderedMigration[] {
  const migrations = withImpliedBreaks(lowestRelease(manifests));
  const dependencies = dependenciesOf(migrations);
  const byRelease = groupBy(migrations.values(), (migration) => migration.release);
  return [...byRelease.keys()]
    .sort(compareReleases)
    .flatMap((release) => orderRelease(byRelease.get(release) ?? [], dependencies));
}

/** A migration may stand in several manifests (a backport); its release is the lowest that lists it. */
function lowestRelease(manifests: readonly Manifest[]): Map<string, OrderedMigration> {
  const migrations = new Map<string, OrderedMigration>();
  for (const { release, migrations: entries, state, sum } of manifests) {
    const manifestSum = state === 'released' ? sum : undefined;
    for (const entry of entries) {
      const known = migrations.get(entry.id);
      if (known && (known.sha256 !== entry.sha256 || known.kind !== entry.kind || known.release === release)) {
        throw new PhaseError('PH3015', { id: entry.id, releases: [known.release, release] });
      }
      if (!known || compareReleases(release, known.release) < 0)
        migrations.set(entry.id, { ...entry, release, ...(manifestSum === undefined ? {} : { manifestSum }) });
    }
  }
  return migrations;
}

/**
 * The contract of a rename breaks whatever is older than its second phase, wherever that stands now and whatever the
 * manifest says beside it. What a refresh adds to the third phase breaks nothing.
 */
function withImpliedBreaks(migrations: Map<string, OrderedMigration>): Map<string, OrderedMigration> {
  const switched = new Map<string, Release>();
  for (const { rename, phase, release } of migrations.values()) {
    if (rename !== undefined && phase === 2) switched.set(rename, release);
  }
  for (const migration of migrations.values()) {
    const { id, rename, step, breaks } = migration;
    const second = step === 'contract' ? switched.get(rename ?? '') : undefined;
    const implied = `<${second}`;
    if (second === undefined || breaks === implied) continue;
    migrations.set(id, { ...migration, breaks: breaks === undefined ? implied : `${breaks} || ${implied}` });
  }
  return migrations;
}

type Dependencies = ReadonlyMap<string, readonly string[]>;

function dependenciesOf(migrations: ReadonlyMap<string, OrderedMigration>): Dependencies {
  const implied = impliedByRenames(migrations);
  const dependencies = new Map<string, string[]>();
  for (const migration of migrations.values()) {
    for (const id of migration.after ?? []) ensurePossible(migration, migrations.get(id), id);
    dependencies.set(migration.id, [...(migration.after ?? []), ...(implied.get(migration.id) ?? [])]);
  }
  return dependencies;
}

function ensurePossible(migration: OrderedMigration, dependency: OrderedMigration | undefined, id: string): void {
  const file = fileOf(migration);
  if (!dependency) {
    throw new PhaseError('PH3008', { id: migration.id, file, dependency: id, reason: 'No manifest lists it.' });
  }
  if (compareReleases(dependency.release, migration.release) > 0) {
    const reason = `${fileOf(dependency)} belongs to ${dependency.release}, after ${migration.release}.`;
    throw new PhaseError('PH3008', { id: migration.id, file, dependency: fileOf(dependency), reason });
  }
}

/** 1a < 1b < 1c < 2 < 3 of one rename, in releases that ascend with the phases. */
function impliedByRenames(migrations: ReadonlyMap<string, OrderedMigration>): Dependencies {
  const implied = new Map<string, string[]>();
  const renames = groupBy(
    [...migrations.values()].filter((migration) => migration.rename !== undefined),
    (migration) => migration.rename ?? '',
  );
  for (const [rename, steps] of renames) {
    const inOrder = steps.sort((a, b) => stepNumber(a) - stepNumber(b) || compareIds(a, b));
    inOrder.forEach((step, index) => {
      const before = inOrder[index - 1];
      if (!before) return;
      ensurePhasesAscend(rename, before, step);
      implied.set(step.id, [before.id]);
    });
  }
  return implied;
}

function ensurePhasesAscend(rename: string, before: OrderedMigration, step: OrderedMigration): void {
  const refuse = (reason: string): never => {
    const steps = [before, step];
    const files = steps.map((migration) => `${fileOf(migration)} (${migration.release})`);
    throw new PhaseError('PH3009', { rename, ids: steps.map(({ id }) => id), files, reason });
  };
  if (before.step === step.step && step.step !== 'refresh') refuse(`Both are its step ${step.step}.`);
  const releases = compareReleases(before.release, step.release);
  const isAhead = before.step === 'refresh' && releases < 0;
  if (before.phase === step.phase && releases !== 0 && !isAhead)
    refuse('The steps of one phase belong to one release.');
  if (before.phase !== step.phase && releases === 0) {
    refuse('Two phases stand in one release: an old and a new instance would not understand each other.');
  }
  if (releases > 0) refuse('A later phase stands in an earlier release.');
}

/** What a refresh adds to a phase comes before the steps of that phase. */
function stepNumber({ phase = 1, step = 'refresh' }: ManifestEntry): number {
  return phase * 10 + (step === 'refresh' ? 0 : 1 + STEP_NAMES.indexOf(step));
}

/** Kahn's algorithm; among what may run next, the lowest timestamp. */
function orderRelease(migrations: readonly OrderedMigration[], dependencies: Dependencies): OrderedMigration[] {
  const own = new Map(migrations.map((migration) => [migration.id, migration]));
  const waitsFor = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const { id } of migrations) {
    const inside = new Set((dependencies.get(id) ?? []).filter((dependency) => own.has(dependency)));
    waitsFor.set(id, inside.size);
    for (const dependency of inside) followers.set(dependency, [...(followers.get(dependency) ?? []), id]);
  }
  const ready = migrations.filter(({ id }) => waitsFor.get(id) === 0).sort((a, b) => compareIds(b, a));
  const ordered: OrderedMigration[] = [];
  for (let next = ready.pop(); next; next = ready.pop()) {
    ordered.push(next);
    for (const id of followers.get(next.id) ?? []) {
      const left = (waitsFor.get(id) ?? 0) - 1;
      waitsFor.set(id, left);
      const migration = own.get(id);
      if (left === 0 && migration) insertDescending(ready, migration);
    }
  }
  if (ordered.length < migrations.length) throw circle(own, dependencies, new Set(ordered.map(({ id }) => id)));
  return ordered;
}

/** Keeps the list in descending order, so that its end is the next to run. */
function insertDescending(list: OrderedMigration[], migration: OrderedMigration): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = list[middle];
    if (at && compareIds(at, migration) > 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, migration);
}

function circle(
  own: ReadonlyMap<string, OrderedMigration>,
  dependencies: Dependencies,
  done: ReadonlySet<string>,
): PhaseError {
  const path: string[] = [];
  let at = [...own.keys()].find((id) => !done.has(id));
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = (dependencies.get(at) ?? []).find((id) => own.has(id) && !done.has(id));
  }
  const ids = [...path.slice(path.indexOf(at ?? '')), at ?? ''];
  const files = ids.map((id) => fileOf(own.get(id) ?? { id, kind: 'schema' }));
  return new PhaseError('PH3007', { ids, files });
}

/** Ids begin with a timestamp, so their order as text is the order of time. */
function compareIds(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function fileOf({ id, kind, file }: Pick<ManifestEntry, 'id' | 'kind' | 'file'>): string {
  return file ?? `${kind === 'schema' ? 'db/migrate' : 'db/data'}/${id}`;
}
