import { PhaseError } from '../../domain/errors/phase-error.ts';
import { orderMigrations } from '../../planner/order.ts';
import { withConnection } from '../../postgres/connection.ts';
import { all } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import { withSteps } from '../../sources/open.ts';
import type { CommandContext } from '../context.ts';

/** An index of a table; of one that has none a row without columns. */
export interface IndexRow {
  table: string;
  columns: string[];
  isPrimary: boolean;
}

/** Once all migrations have run; a table without any index is there, too. */
export async function indexesOf(
  context: CommandContext,
  project: Project,
  history: History,
): Promise<IndexRow[] | null> {
  const database = await context.database(project);
  const surroundings = { project, history, database, shadow: context.shadowUrl(project), release: undefined };
  const rows = withSteps(surroundings, orderMigrations(history.manifests), ({ database: replayed }) =>
    withConnection({ ...replayed, applicationName: 'phase check' }, (db) =>
      all<IndexRow>(
        db,
        `SELECT n.nspname || '.' || c.relname AS "table", coalesce(i.indisprimary, false) AS "isPrimary",
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number ORDER BY k.place) AS columns
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indpred IS NULL
         WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`,
      ),
    ),
  );
  // That they do not run is a finding of its own.
  return rows.catch((error) => {
    if (error instanceof PhaseError) return null;
    throw error;
  });
}

/** Bytes by table. Null without a database; one that cannot be asked is a finding of its own. */
export async function sizesOf(context: CommandContext, project: Project): Promise<Map<string, number> | null> {
  const database = await context.database(project);
  if (database.connection === undefined) return null;
  try {
    const rows = await withConnection({ ...database, applicationName: 'phase check' }, (db) =>
      all<{ name: string; bytes: string }>(
        db,
        `SELECT n.nspname || '.' || c.relname AS name, pg_catalog.pg_total_relation_size(c.oid)::text AS bytes
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_'`,
      ),
    );
    return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
  } catch (error) {
    if (error instanceof PhaseError) return null;
    throw error;
  }
}
