import { all } from '../../postgres/queryable.ts';
import { type HangingSources, type NamedObject, ON_COLUMN, tableName } from '../hanging.ts';

/** A constraint on the column, and the name of its kind. */
interface HangingConstraint extends NamedObject {
  readonly kind: string;
}

/** Constraints on the column, of one kind; also foreign keys that reference it. */
export async function hangingConstraints(sources: HangingSources, kind: string): Promise<NamedObject[]> {
  return (await sources.once(readAll)).filter((found) => found.kind === kind);
}

const readAll = ({ db, table, column }: HangingSources): Promise<HangingConstraint[]> =>
  all<HangingConstraint>(db, HANGING, [table, column]);

const HANGING = `${ON_COLUMN}
  SELECT co.conname AS name, ${tableName('co.conrelid')} AS on,
    CASE WHEN co.contype = 'x' OR (to_jsonb(co) ->> 'conperiod')::boolean AND co.contype = 'u' THEN 'exclusion'
      WHEN co.contype = 'c' THEN 'check' WHEN co.contype = 'u' THEN 'unique' WHEN co.contype = 'p' THEN 'primary key' ELSE 'foreign key' END AS kind
  FROM pg_constraint co JOIN columns ON columns.attrelid = co.conrelid AND (columns.attnum = ANY (co.conkey) OR co.contype = 'x' AND EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = co.conindid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = columns.attrelid AND d.refobjsubid = columns.attnum))
  WHERE co.contype IN ('c', 'f', 'u', 'p', 'x') AND co.conparentid = 0 AND NOT (co.contype = 'c' AND co.coninhcount > 0)
  UNION
  SELECT co.conname, ${tableName('co.conrelid')}, 'referencing key'
  FROM pg_constraint co JOIN columns ON columns.attrelid = co.confrelid AND columns.attnum = ANY (co.confkey)
  WHERE co.contype = 'f' AND co.conparentid = 0 AND NOT EXISTS (
    SELECT 1 FROM columns own WHERE own.attrelid = co.conrelid AND own.attnum = ANY (co.conkey))
  ORDER BY 3, 2, 1`;
