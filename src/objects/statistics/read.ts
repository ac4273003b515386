import { after } from '../../catalog/scratch.ts';
import type { StatisticsFacts } from '../../domain/facts.ts';
import { all } from '../../postgres/queryable.ts';
import type { Scratching, TableSources } from '../sources.ts';

interface StatisticsRow {
  name: string;
  beginning: string;
  ending: string;
  definition: string;
  schema: string;
  target: number | null;
  comment: string | null;
  on_column: boolean;
}

/** All statistics objects of a table, in order of their OIDs: LIKE copies them in this order. */
const STATISTICS = `
  SELECT s.stxname AS name, 'CREATE STATISTICS ' || CASE WHEN sn.oid = pg_my_temp_schema() AND current_setting('server_version_num')::int >= 150000
      THEN 'pg_temp' ELSE quote_ident(sn.nspname) END || '.' || quote_ident(s.stxname) AS beginning,
    ' FROM ' || s.stxrelid::regclass::text AS ending, pg_get_statisticsobjdef(s.oid) AS definition,
    sn.nspname AS schema, nullif(s.stxstattarget, -1)::int AS target, obj_description(s.oid, 'pg_statistic_ext') AS comment,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.stxrelid AND d.refobjsubid = $2) AS on_column
  FROM pg_statistic_ext s
  JOIN pg_namespace sn ON sn.oid = s.stxnamespace
  WHERE s.stxrelid = $1::oid
  ORDER BY s.oid`;

/** A statistics object on the column, and whether it was understood to the letter. */
export interface FoundStatistics {
  readonly facts: StatisticsFacts;
  readonly understood: boolean;
}

/** Extended statistics over the column, rewritten to the new name. */
export function statisticsOn(sources: TableSources): Promise<FoundStatistics[]> {
  return sources.ofMembers(readStatistics);
}

async function readStatistics({ db, member, scratch }: Scratching): Promise<FoundStatistics[]> {
  const { oid, schema, name, column } = member;
  const own = await all<StatisticsRow>(db, STATISTICS, [oid, column]);
  const rows = await all<StatisticsRow>(db, STATISTICS, [scratch.oid, column]);
  const copies = rows.sort((a, b) => scratch.statistics.indexOf(a.name) - scratch.statistics.indexOf(b.name));
  return own.flatMap((row, position) => {
    const original = middle(row);
    const copy = own.length === copies.length ? copies[position] : undefined;
    const definition = copy ? middle(copy) : null;
    const facts = {
      on: { schema, name },
      schema: row.schema,
      name: row.name,
      definition: definition ?? '',
      original: original ?? '',
      target: row.target,
      comment: row.comment,
    };
    return row.on_column ? [{ facts, understood: original !== null && definition !== null }] : [];
  });
}

/** ` (kinds) ON columns`: between the object's name and the table's. */
function middle({ definition, beginning, ending }: StatisticsRow): string | null {
  const tail = after(definition, beginning);
  return tail?.endsWith(ending) ? tail.slice(0, -ending.length) : null;
}
