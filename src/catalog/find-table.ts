import { distance } from 'fastest-levenshtein';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent } from '../domain/identifier.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';

/** A table as the wizard lists it. */
export interface ListedTable extends QualifiedName {
  readonly oid: number;
  /** Whether it is found without naming its schema. */
  readonly visible: boolean;
  /** As estimated by the last ANALYZE; null where there was none. */
  readonly rows: number | null;
}

const TABLES = `
  SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name,
         n.nspname = (SELECT s.nspname FROM pg_class o JOIN pg_namespace s ON s.oid = o.relnamespace WHERE o.relname = c.relname AND s.nspname = ANY ($1)
           ORDER BY array_position($1, s.nspname::text) LIMIT 1) IS TRUE AS visible,
         CASE WHEN c.reltuples >= 0 THEN c.reltuples::float8 END AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT ${holdsLedger('n.oid')}
    AND n.nspname NOT LIKE 'pg\\_toast%'
  ORDER BY n.nspname, c.relname`;

/** Every table of the application, by schema and name. */
export async function listTables(db: Queryable): Promise<ListedTable[]> {
  // Of the path of the role no more than which schemas it has: what is looked up under it may be anybody's.
  const { schemas } = await underOwnNames(db, () =>
    one<{ schemas: string[] }>(db, 'SELECT pg_catalog.current_schemas(true)::pg_catalog.text[] AS schemas'),
  );
  const rows = await all<Omit<ListedTable, 'oid'> & { oid: string }>(db, TABLES, [schemas]);
  return rows.map((row) => ({ ...row, oid: Number(row.oid) }));
}

/** The name as SQL would need it: without the schema where that is not needed. */
export function displayName({ schema, name, visible }: ListedTable): string {
  const plain = (part: string) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : quoteIdent(part));
  return visible ? plain(name) : `${plain(schema)}.${plain(name)}`;
}

/**
 * The table that a text names: as in SQL, or as it stands where only that exists.
 * @throws PH1007 when there is none, PH1012 when the text is no name or names several.
 */
export async function findTable(db: Queryable, text: string): Promise<ListedTable> {
  const tables = await listTables(db);
  const sql = parseName(text);
  const readings = [...(sql === null ? [] : [sql.map(({ folded }) => folded), sql.map(({ asIs }) => asIs)]), [text]];
  for (const reading of readings) {
    const found = tables.filter((table) => matches(table, reading));
    const best = found.length > 1 ? found.filter(({ visible }) => visible) : found;
    if (best.length === 1 && best[0]) return best[0];
    if (found.length > 1) throw new PhaseError('PH1012', { table: text, candidates: found.map(displayName) });
  }
  await ensureNotAView(db, readings);
  throw new PhaseError('PH1007', { table: text, close: closest(text, tables.map(displayName)) });
}

function matches(table: ListedTable, reading: readonly string[]): boolean {
  const [first, second] = reading;
  return second === undefined ? table.name === first : table.schema === first && table.name === second;
}

async function ensureNotAView(db: Queryable, readings: readonly string[][]): Promise<void> {
  for (const reading of readings) {
    const { rows } = await db.query(
      `SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('v', 'm', 'f') AND c.relname = $1 AND ($2::text IS NULL OR n.nspname = $2)`,
      [reading.at(-1), reading.length > 1 ? reading[0] : null],
    );
    if (rows.length > 0) throw new PhaseError('PH1020', { table: reading.join('.') });
  }
}

interface NamePart {
  /** As SQL reads it: folded to lower case unless quoted. */
  readonly folded: string;
  readonly asIs: string;
}

/** Takes `schema.name` apart as SQL does; null when it is no such name. */
function parseName(text: string): NamePart[] | null {
  const part = /\s*(?:"((?:[^"]|"")+)"|([^\s".]+))\s*/y;
  const parts: NamePart[] = [];
  for (let at = 0; ; at++) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (!match) return null;
    const quoted = match[1]?.replaceAll('""', '"');
    parts.push({ folded: quoted ?? (match[2] ?? '').toLowerCase(), asIs: quoted ?? match[2] ?? '' });
    at = part.lastIndex;
    if (at >= text.length) return parts.length <= 2 ? parts : null;
    if (text[at] !== '.') return null;
  }
}

/** Names that a mistyped one may have meant, the closest first. */
export function closest(name: string, names: readonly string[]): string[] {
  const limit = Math.max(2, Math.floor(name.length / 3));
  return names
    .map((candidate) => ({ candidate, away: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ away }) => away <= limit)
    .sort((a, b) => a.away - b.away)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
