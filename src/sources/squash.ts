import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { EarlierBaseline, Manifest, ManifestSource } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { checksum, manifestSum } from '../project/checksum.ts';
import { type FileChange, writeFiles } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import { ensureFilesIntact, readHistory } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { fileOf } from '../project/migrations.ts';
import { compareSchemas } from '../schema/compare.ts';
import { readSchema } from '../schema/facts.ts';
import { loadDump } from '../schema/load.ts';
import { readRows, rowChanges, type TableRows } from '../schema/rows.ts';
import { rowStatements } from '../schema/rows-sql.ts';
import { baselineOf } from '../schema/structure.ts';
import { readEmpty } from './dump.ts';
import { readPlace, type Surroundings, stepsOf, withShadow, withSteps } from './open.ts';

export interface Squashed {
  /** What was written. */
  readonly files: readonly string[];
  /** What is not there any more. */
  readonly deleted: readonly string[];
  readonly replaces: readonly string[];
}

/** What the migrations up to a release give in an empty database. */
interface Baseline {
  readonly schema: string;
  /** Null where there are no rows. */
  readonly rows: string | null;
}

/**
 * Puts a baseline in the place of all migrations up to a release: databases that have all of these go on as they are, and fresh ones begin from it. What it
 * gives is compared with what they gave before anything is written.
 * @throws PH1013, PH2029, what the migrations throw.
 */
export async function squash(surroundings: Surroundings, upTo: Release): Promise<Squashed> {
  const { project, history } = surroundings;
  const manifests = ensureSquashable(history.manifests, upTo);
  await ensureFilesIntact(history, manifests);
  const steps = stepsOf({ history, release: upTo });
  const baseline = await withSteps(surroundings, steps, async ({ database }) => {
    const schema = await readPlace(project, database);
    const ledgers = [project.config.ledgerSchema];
    const [text, rows] = [
      await baselineOf(schema, await readEmpty(surroundings)),
      await rowsOf(upTo, database, ledgers),
    ];
    const made = { schema: text, rows: rows.statements };
    await ensureEqual(surroundings, upTo, made, { schema, rows: rows.sums });
    return made;
  });
  const replaces = manifests.flatMap(({ migrations }) => migrations.map(({ id }) => id));
  const earlier = manifests.flatMap(({ migrations, replaces: before, earlier: first = [] }) =>
    before === undefined ? [] : [...first, { ids: migrations.map(({ id }) => id), replaces: before }],
  );
  const stamp = steps.at(-1)?.id.match(/^\d+/)?.[0] ?? '00000000000000';
  const changes = baselineFiles(upTo, stamp, baseline, { manifests, replaces, earlier });
  await writeFiles(project.root, changes);
  const written = new Set(changes.map(({ path }) => path));
  const deleted = gone(surroundings, manifests, changes).filter((path) => !written.has(path));
  for (const path of deleted) await rm(join(project.root, path), { force: true });
  await ensureFilesIntact(await readHistory(project.root), (await readHistory(project.root)).manifests);
  return { files: [...written], deleted, replaces };
}

/** @throws PH1013, PH2029 */
function ensureSquashable(manifests: readonly Manifest[], upTo: Release): Manifest[] {
  const found = manifests.filter(({ release }) => compareReleases(release, upTo) <= 0);
  if (!found.some(({ release }) => release === upTo))
    throw new PhaseError('PH1013', { release: upTo, known: manifests.map(({ release }) => release) });
  const refuse = (reason: string, remedy: string): never => {
    throw new PhaseError('PH2029', { release: upTo, reason, remedy });
  };
  const open = found.filter(({ state }) => state === 'open').map(({ release }) => release);
  if (open.length > 0)
    refuse(
      `${open.join(', ')} is still open, and no database has to have it.`,
      'Squash up to a release that is cut, and that every living database has.',
    );
  const later = manifests.filter((manifest) => !found.includes(manifest));
  const inside = new Set(found.flatMap(({ migrations }) => migrations.flatMap(({ rename }) => rename ?? [])));
  const across = later.flatMap(({ migrations }) =>
    migrations.flatMap(({ rename }) => (rename !== undefined && inside.has(rename) ? [rename] : [])),
  );
  const [rename] = across;
  if (rename !== undefined)
    refuse(
      `The rename ${rename} begins before its end, and ends after it.`,
      'Squash up to a release before its first phase, or from its last one on.',
    );
  const ids = new Set(found.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  const twice = later.flatMap(({ migrations }) => migrations.filter(({ id }) => ids.has(id)).map(({ id }) => id));
  if (twice.length > 0) refuse(`${twice.join(', ')} stands in a later release, too.`, 'Squash up to that release.');
  if (found.length === 1 && found[0]?.replaces !== undefined)
    refuse('It is a baseline already.', 'There is nothing to squash.');
  return found;
}

async function rowsOf(
  release: Release,
  database: Surroundings['database'],
  ledgers: readonly string[],
): Promise<{ readonly statements: string | null; readonly sums: readonly TableRows[] }> {
  return withConnection({ ...database, applicationName: 'phase squash' }, async (db) => {
    const sums = await readRows(db, ledgers);
    const statements = await rowStatements(db, ledgers).catch((error) => {
      throw new PhaseError('PH2029', {
        release,
        reason: `Its rows cannot be written down: ${reasonOf(error)}.`,
        remedy: 'Take rows that a fresh database does not need out of the data migrations, or put them into db/seeds.',
      });
    });
    return {
      statements: statements.length === 0 ? null : `${statements.map((sql) => `${sql};`).join('\n\n')}\n`,
      sums,
    };
  });
}

/** @throws PH2029 where the baseline gives something else than the migrations. */
async function ensureEqual(
  surroundings: Surroundings,
  release: Release,
  { schema, rows }: Baseline,
  wanted: { readonly schema: Awaited<ReturnType<typeof readSchema>>; readonly rows: readonly TableRows[] },
): Promise<void> {
  await withShadow(surroundings, true, (server) =>
    server.withDatabase(async (url) => {
      const database = plainDatabase(url);
      await loadDump(database, { file: 'baseline', sql: `${schema}\n${rows ?? ''}` });
      const differences = await compareSchemas(await readSchema(database), wanted.schema, true);
      const found = await withConnection({ ...database, applicationName: 'phase squash' }, (db) => readRows(db, []));
      const changed = rowChanges(wanted.rows, found);
      const [first] = [...differences.map(({ object }) => object), ...changed];
      if (first === undefined) return;
      const reason = `The baseline would not give the same: ${first}.`;
      throw new PhaseError('PH2029', { release, reason, remedy: 'Tell us of it; nothing was written.' });
    }),
  );
}

interface Replaced {
  readonly manifests: readonly Manifest[];
  readonly replaces: readonly string[];
  readonly earlier: readonly EarlierBaseline[];
}

function baselineFiles(
  release: Release,
  stamp: string,
  { schema, rows }: Baseline,
  { manifests, replaces, earlier }: Replaced,
): FileChange[] {
  const id = `${stamp}_baseline_${release.replaceAll(/[^\w.]/g, '_')}`;
  const header = `-- In the place of ${replaces.length} migrations up to ${release}, by phase squash. A database that has them does not run it.\n\n`;
  const files = [
    { id, kind: 'schema' as const, path: join(folders.migrate, `${id}.sql`), content: `${header}${schema}` },
    ...(rows === null
      ? []
      : [
          {
            id: `${id}_rows`,
            kind: 'data' as const,
            path: join(folders.data, `${id}_rows.sql`),
            content: `${header}${rows}`,
          },
        ]),
  ];
  const entries = files.map(({ id: own, kind, content }, at) => ({
    id: own,
    kind,
    sha256: checksum(content),
    ...(at === 0 ? {} : { after: [id] }),
  }));
  const manifest = {
    release,
    state: 'released' as const,
    migrations: entries,
    sources: newestVersions(manifests),
    replaces,
    ...(earlier.length === 0 ? {} : { earlier }),
  };
  const text = stringify({ ...manifest, sum: manifestSum(manifest) }, { lineWidth: 0 });
  return [
    ...files.map(({ path, content }) => ({ path, content, mode: 'create' as const })),
    { path: manifestPath(release), content: text, mode: 'replace' },
  ];
}

/** Of functions and triggers: the next version is made from the last one. */
function newestVersions(manifests: readonly Manifest[]): ManifestSource[] {
  const newest = new Map<string, { readonly version: number; readonly source: ManifestSource }>();
  for (const source of manifests.flatMap(({ sources }) => sources)) {
    const [, name = '', digits] = /^((?:functions|triggers)\/.+)_v(\d{2,})\.sql$/.exec(source.file) ?? [];
    const version = Number(digits);
    if (digits !== undefined && version > (newest.get(name)?.version ?? 0)) newest.set(name, { version, source });
  }
  // What a rename needed has gone with it.
  return [...newest.values()]
    .map(({ source }) => source)
    .filter(({ file }) => !/\/(?:\d+_)?sync_.*_phase_\d_v/.test(file));
}

/** Files of what is replaced; what was taken over from another tool stays where that has it. */
function gone({ history }: Surroundings, manifests: readonly Manifest[], changes: readonly FileChange[]): string[] {
  const kept = new Set(changes.map(({ path }) => path));
  const later = new Set(
    history.manifests
      .filter((one) => !manifests.includes(one))
      .flatMap(({ sources }) => sources.map(({ file }) => file)),
  );
  const keptSources = new Set(newestVersions(manifests).map(({ file }) => file));
  const migrations = orderMigrations(manifests).flatMap((entry) =>
    entry.file === undefined ? (fileOf(history.files, entry)?.path ?? []) : [],
  );
  const sources = manifests
    .flatMap(({ sources: own }) => own.map(({ file }) => file))
    .filter((file) => !later.has(file) && !keptSources.has(file));
  return [
    ...migrations,
    ...sources.map((file) => join('db', file)),
    ...manifests.map(({ release }) => manifestPath(release)),
  ].filter((path) => !kept.has(path));
}
