import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { EarlierBaseline, Manifest, ManifestSource } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { type Rename, type RenameSync, syncFunctions, syncTriggers } from '../domain/rename.ts';
import { orderMigrations } from '../planner/order.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { checksum, manifestSum } from '../project/checksum.ts';
import { type FileChange, writeFiles } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import { ensureFilesIntact } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { fileOf } from '../project/migrations.ts';
import { compareSchemas } from '../schema/compare.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
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
  const sources = newestVersions(manifests, history.renames.values());
  const changes = baselineFiles(upTo, stamp, baseline, { sources, replaces, earlier });
  const deleted = gone(surroundings, manifests, [...changes.map(({ path }) => path), ...sources.map(pathOf)]);
  await writeFiles(project.root, changes, deleted);
  return { files: changes.map(({ path }) => path), deleted, replaces };
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
  wanted: { readonly schema: Schema; readonly rows: readonly TableRows[] },
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
      const remedy =
        'Nothing was written. Squash up to an earlier release, or put what is named into a migration after it; and tell us of it, with what made it.';
      throw new PhaseError('PH2029', { release, reason, remedy });
    }),
  );
}

interface Replaced {
  /** What stays of functions and triggers. */
  readonly sources: readonly ManifestSource[];
  readonly replaces: readonly string[];
  readonly earlier: readonly EarlierBaseline[];
}

function baselineFiles(
  release: Release,
  stamp: string,
  { schema, rows }: Baseline,
  { sources, replaces, earlier }: Replaced,
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
    sources,
    replaces,
    ...(earlier.length === 0 ? {} : { earlier }),
  };
  const text = stringify({ ...manifest, sum: manifestSum(manifest) }, { lineWidth: 0 });
  return [
    ...files.map(({ path, content }) => ({ path, content, mode: 'create' as const })),
    { path: manifestPath(release), content: text, mode: 'replace' },
  ];
}

const pathOf = ({ file }: Pick<ManifestSource, 'file'>): string => join('db', file);

/** Of functions and triggers: the next version is made from the last one. What keeps the columns of renames in step has gone with these. */
function newestVersions(manifests: readonly Manifest[], renames: Iterable<Rename>): ManifestSource[] {
  const ofRenames = new Set([...renames].flatMap(({ sync }) => syncNames(sync)));
  const newest = new Map<string, { readonly version: number; readonly source: ManifestSource }>();
  for (const source of manifests.flatMap(({ sources }) => sources)) {
    const [, folder, name, digits] = /^(functions|triggers)\/(.+)_v(\d{2,})\.sql$/.exec(source.file) ?? [];
    const version = Number(digits);
    if (name === undefined || ofRenames.has(name)) continue;
    const known = newest.get(`${folder}/${name}`);
    if (known === undefined || version > known.version) newest.set(`${folder}/${name}`, { version, source });
  }
  return [...newest.values()].map(({ source }) => source);
}

const syncNames = (sync: RenameSync): string[] =>
  ([1, 2] as const).flatMap((phase) => [...syncFunctions(sync, phase), ...syncTriggers(sync, phase)]);

/** Files of what is replaced; what was taken over from another tool stays where that has it. */
function gone({ project, history }: Surroundings, manifests: readonly Manifest[], kept: readonly string[]): string[] {
  const later = history.manifests.filter((one) => !manifests.includes(one));
  const stays = new Set([...kept, ...later.flatMap(({ sources }) => sources.map(pathOf))]);
  const migrations = orderMigrations(manifests).flatMap((entry) =>
    entry.file === undefined ? (fileOf(history.files, entry)?.path ?? []) : [],
  );
  const paths = [
    ...migrations,
    ...manifests.flatMap(({ sources }) => sources.map(pathOf)),
    ...manifests.map(({ release }) => manifestPath(release)),
  ];
  return [...new Set(paths)].filter((path) => !stays.has(path) && existsSync(join(project.root, path)));
}
