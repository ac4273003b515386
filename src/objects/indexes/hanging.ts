import { all } from '../../postgres/queryable.ts';
import { type HangingSources, type NamedObject, ON_COLUMN, tableName } from '../hanging.ts';

/** Indexes on the column that no constraint owns, and no parent's index has made. */
export function hangingIndexes(sources: HangingSources): Promise<NamedObject[]> {
  return all<NamedObject>(sources.db, HANGING, [sources.table, sources.column]);
}

const HANGING = `${ON_COLUMN}
  SELECT DISTINCT c.relname AS name, ${tableName('i.indrelid')} AS on
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN columns ON columns.attrelid = i.indrelid
  WHERE NOT EXISTS (SELECT 1 FROM pg_constraint co WHERE co.conindid = c.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u', 'x'))
    AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid)
    AND (columns.attnum = ANY (i.indkey::int2[]) OR EXISTS (
      SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = columns.attnum))
  ORDER BY 2, 1`;
