import { isHashableKey } from '../../catalog/hashable-key.ts';
import { NEEDS_PATH } from '../../catalog/pair.ts';
import { after, printedTable } from '../../catalog/scratch.ts';
import type { TreeMember } from '../../catalog/tree.ts';
import type { ConstraintFacts, UniqueFacts } from '../../domain/facts.ts';
import { mapInTurn } from '../../domain/in-turn.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { Scratching, TableSources } from '../sources.ts';

interface IndexRow {
  oid: string;
  name: string;
  quoted: string;
  table_name: string;
  definition: string;
  unique: boolean;
  valid: boolean;
  partitioned: boolean;
  tablespace: string | null;
  comment: string | null;
  keys: string[];
  predicate: string | null;
  nulls_not_distinct: boolean;
  statistics: Record<string, number> | null;
  on_column: boolean;
  constraint_type: string | null;
  constraint_name: string | null;
  constraint_comment: string | null;
  constraint_definition: string | null;
  temporal: boolean;
  deferrable: boolean;
  deferred: boolean;
}

/** All indexes of a table, in order of their OIDs: LIKE copies them in this order. Those that a parent's index has made are left out. */
const INDEXES = `
  SELECT c.oid::int8::text AS oid, c.relname AS name, quote_ident(c.relname) AS quoted,
    ${printedTable('tn', 't')} AS table_name,
    pg_get_indexdef(c.oid) AS definition, i.indisunique AS unique, i.indisvalid AND i.indisready AS valid,
    c.relkind = 'I' AS partitioned,
    ts.spcname AS tablespace, obj_description(c.oid, 'pg_class') AS comment,
    CASE WHEN ${NEEDS_PATH('c.oid')} THEN '{}' ELSE ARRAY(SELECT pg_get_indexdef(c.oid, k, false) FROM generate_series(1, i.indnkeyatts) AS k) END AS keys,
    pg_get_expr(i.indpred, i.indrelid) AS predicate,
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
    (SELECT jsonb_object_agg(attnum, attstattarget) FROM pg_attribute WHERE attrelid = c.oid AND attstattarget >= 0) AS statistics,
    ($2 = ANY (i.indkey::int2[]) OR EXISTS (
      SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = $2)) AS on_column,
    co.contype AS constraint_type, co.conname AS constraint_name, obj_description(co.oid, 'pg_constraint') AS constraint_comment,
    pg_get_constraintdef(co.oid) AS constraint_definition, coalesce((to_jsonb(co) ->> 'conperiod')::boolean, false) AS temporal,
    coalesce(co.condeferrable, false) AS deferrable, coalesce(co.condeferred, false) AS deferred
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
  LEFT JOIN pg_constraint co ON co.conindid = c.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u', 'x')
  WHERE i.indrelid = $1::oid AND i.indislive AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid)
  ORDER BY c.oid`;

/** An index on the column as the catalogue has it. */
export interface FoundIndex {
  readonly facts: UniqueFacts;
  /** Null: no constraint owns it. */
  readonly constraint: 'p' | 'u' | 'x' | null;
  /** Set where the constraint cannot be made from an index: EXCLUDE, and WITHOUT OVERLAPS. */
  readonly exclusion: ConstraintFacts | null;
  readonly valid: boolean;
  /** Whether its definition was understood to the letter. */
  readonly understood: boolean;
}

/** Tables with an index that no parent's has made. */
export const OWN_TABLES = `SELECT indrelid::int8::text FROM pg_index i WHERE indrelid = ANY ($1::oid[]) AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)`;

/** The indexes that involve the column, those of constraints among them, with their definitions rewritten to the new name. */
export function indexesOn(sources: TableSources): Promise<FoundIndex[]> {
  return sources.once(readAll);
}

const readAll = (sources: TableSources): Promise<FoundIndex[]> => sources.ofMembers(readIndexes);

async function readIndexes({ db, member, scratch }: Scratching): Promise<FoundIndex[]> {
  const own = await all<IndexRow>(db, INDEXES, [member.oid, member.column]);
  // LIKE copies all of them, those that come from a parent's index, too.
  const rows = await all<IndexRow>(db, INDEXES, [scratch.oid, member.column]);
  const copies = rows.sort((a, b) => scratch.indexes.indexOf(a.name) - scratch.indexes.indexOf(b.name));
  const positions = await likePositions(db, member);
  return mapInTurn(
    own.filter((row) => row.on_column),
    async (row) => {
      const hashable = row.unique && (await isHashableKey(db, member, row.keys));
      const copy = positions.length === copies.length ? copies[positions.indexOf(row.oid)] : undefined;
      return foundIndex(member, row, copy, hashable);
    },
  );
}

/** The order in which LIKE copies indexes. */
async function likePositions(db: Queryable, { oid }: TreeMember): Promise<string[]> {
  const rows = await all<{ oid: string }>(
    db,
    'SELECT indexrelid::int8::text AS oid FROM pg_index WHERE indrelid = $1::oid AND indislive ORDER BY indexrelid',
    [oid],
  );
  return rows.map((row) => row.oid);
}

function foundIndex(
  { schema, name }: TreeMember,
  row: IndexRow,
  copy: IndexRow | undefined,
  hashable: boolean,
): FoundIndex {
  const on = { schema, name };
  const original = tail(row);
  const rewritten = copy ? tail(copy) : null;
  return {
    facts: {
      on,
      name: row.constraint_name ?? row.name,
      unique: row.unique,
      definition: rewritten ?? '',
      original: original ?? '',
      statistics: row.statistics ?? {},
      tablespace: row.tablespace,
      comment: row.constraint_name === null ? row.comment : row.constraint_comment,
      indexComment: row.constraint_name === null ? null : row.comment,
      constraintDefinition: copy?.constraint_definition ?? '',
      originalConstraint: row.constraint_definition ?? '',
      keys: row.unique ? row.keys : [],
      hashable,
      predicate: row.predicate,
      nullsNotDistinct: row.nulls_not_distinct,
      deferrable: row.deferrable,
      initiallyDeferred: row.deferred,
    },
    constraint: row.constraint_type as FoundIndex['constraint'],
    exclusion: row.constraint_type === 'x' || row.temporal ? exclusionOf(on, row, copy) : null,
    valid: row.valid,
    understood: original !== null && rewritten !== null && row.unique === copy?.unique,
  };
}

function exclusionOf(on: ConstraintFacts['on'], row: IndexRow, copy: IndexRow | undefined): ConstraintFacts {
  return {
    on,
    name: row.constraint_name ?? row.name,
    definition: copy?.constraint_definition ?? '',
    original: row.constraint_definition ?? '',
    validated: true,
    enforced: true,
    comment: row.constraint_comment,
  };
}

/** `USING btree (...) ...` of a definition. */
function tail({ definition, unique, quoted, table_name, partitioned }: IndexRow): string | null {
  return after(
    definition,
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quoted} ON ${partitioned ? 'ONLY ' : ''}${table_name} `,
  );
}
