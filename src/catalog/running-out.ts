import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import type { KeyRunningOut } from '../domain/status.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A key with numbers of a type that ends. */
interface NumberedKey extends QualifiedName {
  readonly column: string;
  readonly type: 'smallint' | 'integer';
  /** The last number that its sequence gave, or null where it has none, or has given none. */
  readonly last: string | null;
  readonly hasSequence: boolean;
  readonly mayRead: boolean;
  /** Rows that came a day since statistics begin; null where that is less than a day ago. */
  readonly perDay: number | null;
}

/** How much of the numbers is used, or how soon they are, before somebody is told: three releases take their time. */
const USED = 0.75;
const DAYS = 730;

const MOST = { smallint: 32_767, integer: 2_147_483_647 } as const;

/**
 * Keys, and numbers of sequences, that run out: by how many of those that the type has are used, and by the rate at which rows have come since PostgreSQL counts
 * them. Source: https://www.postgresql.org/docs/current/monitoring-stats.html
 */
export async function readRunningOut(db: Queryable): Promise<KeyRunningOut[]> {
  const keys = await all<NumberedKey>(db, KEYS);
  const found: KeyRunningOut[] = [];
  for (const key of keys) {
    const last = key.hasSequence || !key.mayRead ? Number(key.last ?? 0) : await greatest(db, key);
    const most = MOST[key.type];
    const used = Math.max(0, last) / most;
    const daysLeft = key.perDay === null || key.perDay <= 0 ? null : Math.floor((most - last) / key.perDay);
    if (used < USED && (daysLeft === null || daysLeft > DAYS)) continue;
    const table = `${key.schema}.${key.name}`;
    const command = `phase new retype-column --table ${asArgument(key)} --column ${key.column} --to-type bigint --with-references`;
    found.push({
      table,
      column: key.column,
      type: key.type,
      used: Math.round(used * 1_000) / 1_000,
      daysLeft,
      command,
    });
  }
  return found.sort((a, b) => (a.daysLeft ?? Infinity) - (b.daysLeft ?? Infinity) || b.used - a.used);
}

const asArgument = ({ schema, name }: QualifiedName): string =>
  [schema, name].every((part) => /^[a-z_][a-z0-9_]*$/.test(part))
    ? `${schema}.${name}`
    : `'${quoteQualified({ schema, name })}'`;

/** By its index. */
async function greatest(db: Queryable, { schema, name, column }: NumberedKey): Promise<number> {
  const [row] = await all<{ most: string | null }>(
    db,
    `SELECT pg_catalog.max(${quoteIdent(column)})::text AS most FROM ${quoteQualified({ schema, name })}`,
  );
  return Number(row?.most ?? 0);
}

/** Primary keys and unique columns of one integer, and columns that take numbers of a sequence. */
const KEYS = `
  SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, pg_catalog.format_type(a.atttypid, NULL) AS type,
    s.oid IS NOT NULL AS "hasSequence", CASE WHEN s.oid IS NOT NULL AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_catalog.pg_sequence_last_value(s.oid)::text END AS last,
    pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid) AS "mayRead",
    CASE WHEN since.days >= 1 THEN (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) AS t WHERE t.isleaf)::float8 / since.days END AS "perDay"
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (SELECT q.oid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S'
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i') LIMIT 1) AS s ON true
  CROSS JOIN LATERAL (SELECT extract(epoch FROM pg_catalog.now() - coalesce((SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()),
    (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter)))::float8 / 86400 AS days) AS since
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT ${holdsLedger('n.oid')} AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype)
    AND (s.oid IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum))
  ORDER BY 1, 2, 3`;
