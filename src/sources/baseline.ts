import { join } from 'node:path';
import { stringify } from 'yaml';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { EarlierBaseline, ManifestSource } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import { withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { checksum, manifestSum } from '../project/checksum.ts';
import { shadowDatabaseOf } from '../project/database.ts';
import type { FileChange } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import { manifestPath } from '../project/manifests.ts';
import { compareSchemas } from '../schema/compare.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import { loadDump } from '../schema/load.ts';
import { readRows, rowChanges, type TableRows } from '../schema/rows.ts';
import { rowStatements } from '../schema/rows-sql.ts';
import { baselineOf } from '../schema/structure.ts';
import { readPlace, type Surroundings, withShadow } from './open.ts';

/** What the migrations up to a release give in an empty database. */
export interface Baseline {
  readonly schema: string;
  /** Null where there are no rows. */
  readonly rows: string | null;
}

/**
 * Writes down what a database holds, and compares what a database made of that has with it.
 * @throws PH2029
 */
export async function readBaseline(
  surroundings: Surroundings,
  release: Release,
  database: Surroundings['database'],
): Promise<Baseline> {
  const { project } = surroundings;
  const schema = await readPlace(project, database);
  // What db/shadow makes is there before the baseline, too.
  const start = await withShadow(surroundings, false, (server) =>
    server.withDatabase(async (url) => readPlace(project, await shadowDatabaseOf(project, url))),
  );
  const text = await baselineOf(schema, start);
  const rows = await rowsOf(release, database, [project.config.ledgerSchema]);
  const baseline = { schema: text, rows: rows.statements };
  await ensureEqual(surroundings, release, baseline, { schema, rows: rows.sums });
  return baseline;
}

async function rowsOf(
  release: Release,
  database: Surroundings['database'],
  ledgers: readonly string[],
): Promise<{ readonly statements: string | null; readonly sums: readonly TableRows[] }> {
  return withConnection({ ...database, applicationName: 'phase baseline' }, async (db) => {
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
  await withShadow(surroundings, false, (server) =>
    server.withDatabase(async (url) => {
      const database = await shadowDatabaseOf(surroundings.project, url);
      await loadDump(database, { file: 'baseline', sql: `${schema}\n${rows ?? ''}` });
      const differences = await compareSchemas(await readSchema(database), wanted.schema, true);
      const found = await withConnection({ ...database, applicationName: 'phase baseline' }, (db) => readRows(db, []));
      const changed = rowChanges(wanted.rows, found);
      const [first] = [...differences.map(({ object }) => object), ...changed];
      if (first === undefined) return;
      const reason = `The baseline would not give the same: ${first}.`;
      const remedy =
        'Nothing was written. Squash up to a release before what is named; for what another tool has made docs/coming-from has a baseline by hand. Tell us of it, with the statement that made it.';
      throw new PhaseError('PH2029', { release, reason, remedy });
    }),
  );
}

/** What a baseline stands in the place of. */
export interface Replaced {
  /** For the heads of its files: what has written them. */
  readonly by: string;
  /** What stays of functions and triggers. */
  readonly sources: readonly ManifestSource[];
  readonly replaces: readonly string[];
  readonly earlier: readonly EarlierBaseline[];
}

/** The files of a baseline: its schema, its rows, and the manifest, which is cut. */
export function baselineFiles(
  release: Release,
  stamp: string,
  { schema, rows }: Baseline,
  { by, sources, replaces, earlier }: Replaced,
): FileChange[] {
  const id = `${stamp}_baseline_${release.replaceAll(/[^\w.]/g, '_')}`;
  const header = `-- In the place of ${replaces.length} migrations up to ${release}, by ${by}.\n\n`;
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
