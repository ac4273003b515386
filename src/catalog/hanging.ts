import type { QualifiedName } from '../domain/identifier.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { readOtherDependents } from './dependents.ts';
import { type TriggerSource, triggerMentions } from './mentions.ts';

/** An object that hangs on a column, by name. */
export interface HangingObject {
  readonly kind: 'index' | 'unique' | 'check' | 'foreign key' | 'statistics' | 'trigger' | 'other';
  readonly name: string;
  /** For messages. */
  readonly description: string;
}

const CONSTRAINTS = `
  SELECT co.conname AS name, co.contype AS type FROM pg_constraint co
  WHERE co.conrelid = $1::oid AND co.contype IN ('c', 'f', 'u', 'p', 'x') AND $2 = ANY (co.conkey)`;

const INDEXES = `
  SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = $1::oid AND NOT EXISTS (SELECT 1 FROM pg_constraint co WHERE co.conindid = c.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u', 'x'))
    AND ($2 = ANY (i.indkey::int2[]) OR EXISTS (
      SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = $2))`;

const STATISTICS = `
  SELECT s.stxname AS name FROM pg_statistic_ext s
  WHERE s.stxrelid = $1::oid AND EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.stxrelid AND d.refobjsubid = $2)`;

const TRIGGERS = `
  SELECT t.tgname AS name, p.prosrc AS source, l.lanname AS language, encode(t.tgargs, 'escape') AS arguments, p.oid::regproc::text AS function,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid AND d.refobjsubid = $2) AS depends
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
  WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal`;

const CONSTRAINT_KINDS: Record<string, HangingObject['kind']> = {
  c: 'check',
  f: 'foreign key',
  u: 'unique',
  p: 'other',
  x: 'other',
};

/** Everything that hangs on a column now; nothing is created or locked for it. `ours` are the sync's own triggers. */
export async function readHangingObjects(
  db: Queryable,
  table: number,
  column: { number: number; name: string },
  ours: readonly string[],
): Promise<HangingObject[]> {
  const on = [table, column.number];
  const constraints = await all<{ name: string; type: string }>(db, CONSTRAINTS, on);
  const indexes = await all<{ name: string }>(db, INDEXES, on);
  const statistics = await all<{ name: string }>(db, STATISTICS, on);
  const others = await readOtherDependents(db, table, column.number);
  return [
    ...constraints.map(({ name, type }) => {
      const kind = CONSTRAINT_KINDS[type] ?? 'other';
      return { kind, name, description: `constraint ${quoteIdent(name)}` };
    }),
    ...indexes.map(({ name }) => ({ kind: 'index' as const, name, description: `index ${quoteIdent(name)}` })),
    ...statistics.map(({ name }) => ({
      kind: 'statistics' as const,
      name,
      description: `statistics object ${quoteIdent(name)}`,
    })),
    ...(await hangingTriggers(db, table, column, ours)),
    ...others.map(({ object }) => ({ kind: 'other' as const, name: object, description: object })),
  ];
}

async function hangingTriggers(
  db: Queryable,
  table: number,
  column: { number: number; name: string },
  ours: readonly string[],
): Promise<HangingObject[]> {
  const rows = await all<TriggerSource & { name: string; function: string; depends: boolean }>(db, TRIGGERS, [
    table,
    column.number,
  ]);
  const found: HangingObject[] = [];
  for (const row of rows.filter(({ name }) => !ours.includes(name))) {
    if (row.depends) found.push({ kind: 'trigger', name: row.name, description: `trigger ${quoteIdent(row.name)}` });
    if (await triggerMentions(row, column.name)) {
      const description = `function ${row.function} of the trigger ${quoteIdent(row.name)}, which names ${quoteIdent(column.name)}`;
      found.push({ kind: 'other', name: row.function, description });
    }
  }
  return found;
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
