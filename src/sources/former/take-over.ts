import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { FormerLedger, FormerTool } from '../../domain/former-ledger.ts';
import { parseRelease, type Release } from '../../domain/release.ts';
import { shadowDatabaseOf } from '../../project/database.ts';
import type { FileChange } from '../../project/files.ts';
import { manifestPath } from '../../project/manifests.ts';
import { baselineFiles, readBaseline } from '../baseline.ts';
import { type Surroundings, withShadow } from '../open.ts';
import { drizzleMigrations } from './drizzle.ts';
import type { FormerMigrations, FormerRequest } from './former.ts';
import { nodePgMigrateMigrations } from './node-pg-migrate.ts';
import { prismaMigrations } from './prisma.ts';

/** Those whose migrations phase cannot run itself; knex's it can. */
export type BaselinedTool = Exclude<FormerTool, 'knex'>;

const TOOLS: Readonly<Record<BaselinedTool, (root: string, request: FormerRequest) => Promise<FormerMigrations>>> = {
  'node-pg-migrate': nodePgMigrateMigrations,
  prisma: prismaMigrations,
  drizzle: drizzleMigrations,
};

/** A baseline in the place of another tool's migrations. Nothing is written yet. */
export interface TakenOver {
  readonly changes: readonly FileChange[];
  readonly release: Release;
  readonly ledger: FormerLedger;
  /** Where its migrations are: they stay there. */
  readonly directory: string;
  /** What its ledger calls them. */
  readonly replaces: readonly string[];
}

/**
 * Runs the migrations of another tool in an empty database, and writes down what they give: a fresh database begins from that, and one in which the tool has
 * run all of them has it.
 * @param current the release of the project, where it is known.
 * @throws PH1011 where there is a baseline already, PH1028, PH2029.
 */
export async function takeOver(
  surroundings: Surroundings,
  tool: BaselinedTool,
  request: FormerRequest,
  current: Release | null,
): Promise<TakenOver> {
  const { project } = surroundings;
  const release = parseRelease(current === '0.0.0' ? '0.0.0-baseline' : '0.0.0');
  if (existsSync(join(project.root, manifestPath(release))))
    throw new PhaseError('PH1011', { files: [manifestPath(release)] });
  const { ledger, directory, apply } = await TOOLS[tool](project.root, request);
  return withShadow(surroundings, false, (server) =>
    server.withDatabase(async (url) => {
      const database = { ...(await shadowDatabaseOf(project, url)), connection: url };
      const replaces = await apply(database);
      const baseline = await readBaseline(surroundings, release, database);
      const by = `phase init --from-${tool}. A database in which ${tool} has run all of them does not run it`;
      const changes = baselineFiles(release, FIRST, baseline, { by, sources: [], replaces, earlier: [] });
      return { changes, release, ledger, directory, replaces };
    }),
  );
}

/** Before everything that phase scaffolds. */
const FIRST = '00000000000000';
