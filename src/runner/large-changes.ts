import { expectedChange } from '../data/audit/estimate.ts';
import type { DataChangeRequest, Query } from '../data/audit/request.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { appliedIds } from '../ledger/ledger.ts';
import { withContext } from '../operations/context.ts';
import { type Connection, type Database, withConnection } from '../postgres/connection.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { fileOf, type LoadedMigration, loadMigration } from '../project/migrations.ts';
import { scriptedContext } from './dry-run-data.ts';
import { readOwnLedger } from './own-ledger.ts';
import { recordingKnex } from './recording-knex.ts';

/** A change that would keep many rows locked in one transaction. */
export interface LargeChange {
  /** Of the migration, relative to the project's folder. */
  readonly file: string;
  readonly name: string;
  /** As PostgreSQL estimates them. */
  readonly rows: number;
}

/**
 * The changes of open manifests that would be larger than `audit.smallChange` on a database, as its statistics say. Nothing
 * is run: migrations are handed a context that only asks for estimates. What cannot be estimated there is left out.
 * @throws PH5001 to PH5004 when the database cannot be reached.
 */
export function largeChanges(project: Project, history: History, database: Database): Promise<LargeChange[]> {
  return withConnection({ ...database, applicationName: 'phase check' }, async (db) => {
    const applied = appliedIds(await readOwnLedger(db, project, history, { asks: true }));
    const open = history.manifests.filter(({ state }) => state === 'open').flatMap(({ migrations }) => migrations);
    const found: LargeChange[] = [];
    for (const entry of open.filter(({ id, kind }) => kind === 'data' && !applied.has(id))) {
      const file = fileOf(history.files, entry);
      if (!file) continue;
      const loaded = await loadMigration(project, file);
      for (const change of await changesOf(db, project, history, loaded)) {
        const rows = await estimate(db, change.query);
        if (rows > project.config.audit.smallChange) found.push({ file: file.path, name: change.name, rows });
      }
    }
    return found;
  });
}

/** What a migration asks of `dataChange`, up to where it needs what is not there yet. */
async function changesOf(
  db: Connection,
  { root, config }: Project,
  { renames, mappings, moves }: History,
  loaded: LoadedMigration,
): Promise<{ name: string; query: Query }[]> {
  if (loaded.form === 'sql') return [];
  const nothing = { comment: () => undefined, statement: () => undefined };
  const knex = withContext(recordingKnex(db, nothing), {
    root,
    renames,
    mappings,
    moves,
    patience: { lockTimeoutMs: config.lockTimeout, attempts: 1 },
    stragglerWindowMs: 0,
    rewriteLimitBytes: config.rewriteLimit,
    dryRun: true,
    passedGates: null,
  });
  const changes: { name: string; query: Query }[] = [];
  const dataChange = async (name: string, request: DataChangeRequest) => {
    if (request.change !== undefined) changes.push({ name, query: request.change });
    return { pre: null, change: null, post: null };
  };
  await Promise.resolve(loaded.up(knex, { ...scriptedContext(nothing), dataChange } as never)).catch(() => undefined);
  return changes;
}

async function estimate(db: Queryable, query: Query): Promise<number> {
  try {
    const statement = typeof query === 'string' ? { sql: query, values: [] } : query;
    return (await underOwnNames(db, () => expectedChange(db, statement))).rows;
  } catch (error) {
    if (error instanceof PhaseError) throw error;
    return 0;
  }
}
