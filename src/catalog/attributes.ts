import {
  defaultsOf,
  IDENTITY,
  isDefault,
  type PairAttribute,
  type PairFacts,
  type Side,
  standingOf,
} from '../domain/pair.ts';
import type { Rename } from '../domain/rename.ts';
import { sqlQualified } from '../postgres/names.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { readColumn } from './column.ts';
import { TREE } from './tree.ts';

/** What two columns of a table, or of one of its partitions, hold of one attribute; null where it has none. */
export interface AttributePair {
  /** The table or partition, qualified and quoted. */
  readonly on: string;
  readonly root: boolean;
  readonly attribute: PairAttribute;
  readonly from: string | null;
  readonly to: string | null;
}

/**
 * Attributes of two columns side by side, only where they differ. Types with modifiers; storage as SET STORAGE takes it;
 * privileges as `aclitem` prints them, sorted; a default as PostgreSQL prints it, with what a domain adds.
 */
export function differingAttributes(db: Queryable, table: number, from: string, to: string): Promise<AttributePair[]> {
  return all<AttributePair>(db, ATTRIBUTES, [table, from, to]);
}

/** SQL for the values of each attribute; of `a`, a row of pg_attribute, and `d`, that of its default. */
const VALUES = `(VALUES
      ('type', format_type(a.atttypid, a.atttypmod)),
      ('collation', nullif(a.attcollation, 0)::regcollation::text),
      ('storage', CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' WHEN 'm' THEN 'MAIN' END),
      ('compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END),
      ('statistics', nullif(a.attstattarget, -1)::text),
      ('options', nullif(array_to_string(a.attoptions, ', '), '')),
      ('comment', col_description(a.attrelid, a.attnum)),
      ('privileges', (SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest(a.attacl) AS item)),
      ('security labels', (SELECT string_agg(quote_ident(l.provider) || ' ' || quote_literal(l.label), ', ' ORDER BY l.provider) FROM pg_seclabel l
        WHERE l.classoid = 'pg_class'::regclass AND l.objoid = a.attrelid AND l.objsubid = a.attnum)),
      ('not null', CASE WHEN a.attnotnull THEN 'NOT NULL' END),
      ('default', CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END),
      ('generation', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END)
    ) AS values(attribute, value)`;

const ATTRIBUTES = `
  ${TREE},
  held AS (
    SELECT a.attrelid, a.attname, values.attribute, values.value
    FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname IN ($2, $3) AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL ${VALUES})
  SELECT ${sqlQualified('n', 'c')} AS on, c.oid = $1::oid AS root, f.attribute, f.value AS "from", t.value AS "to"
  FROM held f JOIN held t ON t.attrelid = f.attrelid AND t.attribute = f.attribute AND t.attname = $3
  JOIN pg_class c ON c.oid = f.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE f.attname = $2 AND f.value IS DISTINCT FROM t.value
  ORDER BY c.oid <> $1::oid, 1, f.attribute`;

/** All attributes of two columns, by their numbers. Under a search path in which every name is printed qualified. */
export async function readPairFacts(
  db: Queryable,
  table: number,
  numbers: Readonly<Record<Side, number>>,
): Promise<PairFacts> {
  const rows = await all<{ side: Side; attributes: PairFacts[Side] }>(
    db,
    `${TREE} SELECT CASE a.attnum WHEN $2 THEN 'from' ELSE 'to' END AS side, jsonb_object_agg(values.attribute, values.value) || jsonb_build_object('members', ARRAY(
       SELECT ${sqlQualified('n', 'c')} FROM tree JOIN pg_attribute m ON m.attrelid = tree.oid AND m.attname = min(a.attname::text) AND m.attnotnull
       JOIN pg_class c ON c.oid = m.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE tree.oid <> $1::oid ORDER BY 1)) AS attributes
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum CROSS JOIN LATERAL ${VALUES}
     WHERE a.attrelid = $1::oid AND a.attnum IN ($2, $3) GROUP BY 1`,
    [table, numbers.from, numbers.to],
  );
  return Object.fromEntries(rows.map(({ side, attributes }) => [side, attributes])) as unknown as PairFacts;
}

/** What a rename would lose of the old column's attributes, for messages; `phase` is the one that is about to begin. */
export async function lostAttributes(
  db: Queryable,
  table: number,
  { table: name, from, to }: Pick<Rename, 'table' | 'from' | 'to'>,
  phase: 2 | 3,
): Promise<AttributePair[]> {
  const pairs = await differingAttributes(db, table, from, to);
  if (pairs.length === 0) return [];
  const authority = phase === 2 ? from : to;
  const standing = standingOf(await readColumn(db, table, name, authority));
  const wanted = defaultsOf(standing, phase === 2 ? 'from' : 'to');
  return pairs.filter((pair) => {
    if (pair.from === null) return false;
    if (pair.attribute !== 'default') return phase === 3;
    return standing?.expression !== IDENTITY && !isDefault(pair.from, wanted.from);
  });
}
