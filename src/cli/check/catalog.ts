import type { SchemaFacts } from '../../checks/schema-facts.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { OrderedMigration } from '../../domain/plan.ts';
import { orderMigrations } from '../../planner/order.ts';
import { type Connection, withConnection } from '../../postgres/connection.ts';
import { all } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import { withSteps } from '../../sources/open.ts';
import type { CommandContext } from '../context.ts';

/** What there is before the open releases and after them; null where it is not known. */
export interface Around {
  readonly before: SchemaFacts | null;
  readonly after: SchemaFacts | null;
}

/** Reads both from what migrations give in an empty database. */
export async function factsAround(context: CommandContext, project: Project, history: History): Promise<Around> {
  const database = await context.database(project);
  const surroundings = { project, history, database, shadow: context.shadowUrl(project), release: undefined };
  const read = (steps: readonly OrderedMigration[]): Promise<SchemaFacts | null> =>
    withSteps(surroundings, steps, ({ database: replayed }) =>
      withConnection({ ...replayed, applicationName: 'phase check' }, readFacts),
    ).catch((error) => {
      // That they do not run is a finding of its own.
      if (error instanceof PhaseError) return null;
      throw error;
    });
  const released = history.manifests.filter(({ state }) => state === 'released');
  const before = await read(orderMigrations(released));
  return { before, after: await read(orderMigrations(history.manifests)) };
}

const OWN = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const NAMED = `n.nspname || '.' || c.relname`;

async function readFacts(db: Connection): Promise<SchemaFacts> {
  const objects = await all<{ name: string }>(
    db,
    `SELECT ${NAMED} AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}
     UNION SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN}
     UNION SELECT n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${OWN}
     UNION SELECT n.nspname FROM pg_namespace n WHERE ${OWN}`,
  );
  const columns = await all<{ table: string; name: string; type: string; notNull: boolean; isPartitioned: boolean }>(
    db,
    `SELECT ${NAMED} AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "notNull", c.relkind = 'p' AS "isPartitioned"
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${OWN} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped`,
  );
  const tables = new Map<string, Map<string, { type: string; notNull: boolean }>>();
  for (const { table, name, type, notNull } of columns)
    tables.set(table, (tables.get(table) ?? new Map()).set(name, { type, notNull }));
  return {
    objects: new Set(objects.map(({ name }) => name)),
    columns: tables,
    partitioned: new Set(columns.filter(({ isPartitioned }) => isPartitioned).map(({ table }) => table)),
    indexes: await all(
      db,
      `SELECT ${NAMED} AS "table", n.nspname || '.' || x.relname AS name, i.indisprimary AS "isPrimary", i.indisunique AS "isUnique",
         pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indexprs IS NOT NULL AS "hasExpressions",
         ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}`,
    ),
    constraints: await all(
      db,
      `SELECT ${NAMED} AS "table", k.conname AS name, k.contype AS type, pg_get_constraintdef(k.oid) AS definition, k.convalidated AS "isValid"
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}`,
    ),
  };
}

/** Bytes by table. Null without a database; one that cannot be asked is a finding of its own. */
export async function sizesOf(context: CommandContext, project: Project): Promise<Map<string, number> | null> {
  const database = await context.database(project);
  if (database.connection === undefined) return null;
  try {
    const rows = await withConnection({ ...database, applicationName: 'phase check' }, (db) =>
      all<{ name: string; bytes: string }>(
        db,
        `SELECT ${NAMED} AS name, pg_total_relation_size(c.oid)::text AS bytes
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND ${OWN}`,
      ),
    );
    return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
  } catch (error) {
    if (error instanceof PhaseError) return null;
    throw error;
  }
}
