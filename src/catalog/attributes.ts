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

/** SQL for the value of each attribute; of `a`, a row of pg_attribute, and `d`, that of its default. */
const VALUES: Readonly<Record<PairAttribute, (a: string, d: string) => string>> = {
  type: (a) => `format_type(${a}.atttypid, ${a}.atttypmod)`,
  collation: (a) => `nullif(${a}.attcollation, 0)::regcollation::text`,
  storage: (a) =>
    `CASE ${a}.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' WHEN 'm' THEN 'MAIN' END`,
  compression: (a) => `CASE ${a}.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END`,
  statistics: (a) => `nullif(${a}.attstattarget, -1)::text`,
  options: (a) => `nullif(array_to_string(${a}.attoptions, ', '), '')`,
  comment: (a) => `col_description(${a}.attrelid, ${a}.attnum)`,
  privileges: (a) => `(SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest(${a}.attacl) AS item)`,
  'security labels': (
    a,
  ) => `(SELECT string_agg(quote_ident(l.provider) || ' ' || quote_literal(l.label), ', ' ORDER BY l.provider) FROM pg_seclabel l
    WHERE l.classoid = 'pg_class'::regclass AND l.objoid = ${a}.attrelid AND l.objsubid = ${a}.attnum)`,
  'not null': (a) => `CASE WHEN ${a}.attnotnull THEN 'NOT NULL' END`,
  default: (a, d) =>
    `CASE WHEN ${a}.attidentity <> '' THEN 'identity' WHEN ${a}.attgenerated = '' THEN pg_get_expr(${d}.adbin, ${d}.adrelid) END`,
  generation: (a, d) => `CASE WHEN ${a}.attgenerated <> '' THEN pg_get_expr(${d}.adbin, ${d}.adrelid) END`,
};

const NAMES = `ARRAY[${Object.keys(VALUES)
  .map((name) => `'${name}'`)
  .join(', ')}]`;
const valuesOf = (a: string, d: string): string =>
  `ARRAY[${Object.values(VALUES)
    .map((value) => value(a, d))
    .join(', ')}]`;

/** Side by side for each table: of hundreds of partitions every one is looked at once. */
const ATTRIBUTES = `
  ${TREE}
  SELECT ${sqlQualified('n', 'c')} AS on, c.oid = $1::oid AS root, pair.attribute, pair."from", pair."to"
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute f ON f.attrelid = tree.oid AND f.attname = $2 AND NOT f.attisdropped
  JOIN pg_attribute t ON t.attrelid = tree.oid AND t.attname = $3 AND NOT t.attisdropped
  LEFT JOIN pg_attrdef fd ON fd.adrelid = f.attrelid AND fd.adnum = f.attnum
  LEFT JOIN pg_attrdef td ON td.adrelid = t.attrelid AND td.adnum = t.attnum
  CROSS JOIN LATERAL unnest(${NAMES}, ${valuesOf('f', 'fd')}, ${valuesOf('t', 'td')}) AS pair(attribute, "from", "to")
  WHERE pair."from" IS DISTINCT FROM pair."to"
  ORDER BY c.oid <> $1::oid, 1, pair.attribute`;

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
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum CROSS JOIN LATERAL unnest(${NAMES}, ${valuesOf('a', 'd')}) AS values(attribute, value)
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
