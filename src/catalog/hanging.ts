import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { BoundObject, TwinnedObject } from '../domain/rename.ts';
import { sqlQualified, sqlQuoted } from '../postgres/names.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { readDependents } from './dependents.ts';
import { TREE } from './tree.ts';
import { argumentsOf } from './trigger-sources.ts';

/** An object that hangs on a column, by the names that `db/renames` has. */
export interface HangingObject {
  readonly kind: TwinnedObject['kind'] | BoundObject['kind'] | 'other';
  readonly name: string;
  /** The table that it is on, qualified and quoted; for statistics their schema; for views and functions empty. */
  readonly on: string;
  /** For messages. */
  readonly description: string;
  /** Whether only phase 3 can free it from the column: it needs the primary key, or holds an upsert. */
  readonly freedLast: boolean;
  /** Whether PostgreSQL drops no column while it is there. */
  readonly blocks: boolean;
}

const COLUMNS = `${TREE},
  columns AS (SELECT a.attrelid, a.attnum FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2 AND NOT a.attisdropped)`;
const ON = (table: string) => `(SELECT ${sqlQualified('in_schema', 'named')}
    FROM pg_class named JOIN pg_namespace in_schema ON in_schema.oid = named.relnamespace WHERE named.oid = ${table})`;

const CONSTRAINTS = `${COLUMNS}
  SELECT co.conname AS name, ${ON('co.conrelid')} AS on,
    CASE WHEN co.contype = 'x' OR (to_jsonb(co) ->> 'conperiod')::boolean AND co.contype = 'u' THEN 'exclusion'
      WHEN co.contype = 'c' THEN 'check' WHEN co.contype = 'u' THEN 'unique' WHEN co.contype = 'p' THEN 'primary key' ELSE 'foreign key' END AS kind
  FROM pg_constraint co JOIN columns ON columns.attrelid = co.conrelid AND (columns.attnum = ANY (co.conkey) OR co.contype = 'x' AND EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = co.conindid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = columns.attrelid AND d.refobjsubid = columns.attnum))
  WHERE co.contype IN ('c', 'f', 'u', 'p', 'x') AND co.conparentid = 0 AND NOT (co.contype = 'c' AND co.coninhcount > 0)
  UNION
  SELECT co.conname, ${ON('co.conrelid')}, 'referencing key'
  FROM pg_constraint co JOIN columns ON columns.attrelid = co.confrelid AND columns.attnum = ANY (co.confkey)
  WHERE co.contype = 'f' AND co.conparentid = 0 AND NOT EXISTS (
    SELECT 1 FROM columns own WHERE own.attrelid = co.conrelid AND own.attnum = ANY (co.conkey))
  ORDER BY 3, 2, 1`;

const INDEXES = `${COLUMNS}
  SELECT DISTINCT c.relname AS name, ${ON('i.indrelid')} AS on, 'index' AS kind
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN columns ON columns.attrelid = i.indrelid
  WHERE NOT EXISTS (SELECT 1 FROM pg_constraint co WHERE co.conindid = c.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u', 'x'))
    AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid)
    AND (columns.attnum = ANY (i.indkey::int2[]) OR EXISTS (
      SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = columns.attnum))
  ORDER BY 2, 1`;

const STATISTICS = `${COLUMNS}
  SELECT s.stxname AS name, ${sqlQuoted('n.nspname')} AS on, 'statistics' AS kind
  FROM pg_statistic_ext s JOIN columns ON columns.attrelid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
  WHERE EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.stxrelid AND d.refobjsubid = columns.attnum)
  ORDER BY 2, 1`;

const TRIGGERS = `${COLUMNS}
  SELECT t.tgname AS name, ${ON('t.tgrelid')} AS on, encode(t.tgargs, 'hex') AS arguments,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid AND d.refobjsubid = columns.attnum) AS depends
  FROM pg_trigger t JOIN columns ON columns.attrelid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgparentid = 0
  ORDER BY 2, 1`;

type NamedRow = Pick<HangingObject, 'name' | 'on' | 'kind'>;

/** Everything that hangs on a column of a table and its partitions now; nothing is created or locked for it. `ours` are the sync's own triggers. */
export async function readHangingObjects(
  db: Queryable,
  table: number,
  column: string,
  ours: readonly string[],
): Promise<HangingObject[]> {
  const at = [table, column];
  const named = [
    ...(await all<NamedRow>(db, CONSTRAINTS, at)),
    ...(await all<NamedRow>(db, INDEXES, at)),
    ...(await all<NamedRow>(db, STATISTICS, at)),
  ];
  const words: Partial<Record<HangingObject['kind'], string>> = { index: 'index', statistics: 'statistics object' };
  const dependents = await readDependents(db, table, column);
  return [
    ...named.map((row) => ({
      ...row,
      description: `${words[row.kind] ?? 'constraint'} ${quoteIdent(row.name)}`,
      freedLast: false,
      blocks: row.kind === 'referencing key',
    })),
    ...(await hangingTriggers(db, at, ours)),
    ...dependents.map(({ kind, name, on, description, needsPrimaryKey, upserts }) => ({
      kind,
      name,
      on: on === null ? '' : quoteQualified(on),
      description,
      freedLast: needsPrimaryKey || upserts,
      blocks: true,
    })),
  ];
}

interface HangingTriggerRow {
  name: string;
  on: string;
  arguments: string;
  depends: boolean;
}

async function hangingTriggers(db: Queryable, at: unknown[], ours: readonly string[]): Promise<HangingObject[]> {
  const [, column] = at;
  const rows = await all<HangingTriggerRow>(db, TRIGGERS, at);
  return rows
    .filter(({ name }) => !ours.includes(name))
    .flatMap((row) => {
      const { name, on } = row;
      const trigger = {
        on,
        freedLast: false,
        blocks: true,
        name,
        kind: 'trigger' as const,
        description: `trigger ${quoteIdent(name)}`,
      };
      const given = `${trigger.description}, which gives ${quoteIdent(String(column))} to its function as an argument`;
      return [
        ...(row.depends ? [trigger] : []),
        ...(argumentsOf(row).includes(String(column))
          ? [{ ...trigger, kind: 'other' as const, description: given, blocks: false }]
          : []),
      ];
    });
}

/** Numbers of a table and of two of its columns; null for what is not there. */
export async function locate(
  db: Queryable,
  table: QualifiedName,
  from: string,
  to: string,
): Promise<{ table: number | null; from: number | null; to: number | null }> {
  const [row] = await all<{ oid: string; from: number | null; to: number | null }>(
    db,
    `SELECT c.oid::int8::text AS oid,
       (SELECT attnum::int FROM pg_attribute WHERE attrelid = c.oid AND attname = $3 AND NOT attisdropped) AS "from",
       (SELECT attnum::int FROM pg_attribute WHERE attrelid = c.oid AND attname = $4 AND NOT attisdropped) AS "to"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [table.schema, table.name, from, to],
  );
  return { table: row ? Number(row.oid) : null, from: row?.from ?? null, to: row?.to ?? null };
}
