import type { MentionFacts } from '../domain/facts.ts';
import { type QualifiedName, shortHash, slug } from '../domain/identifier.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { listColumns } from './column.ts';
import { useOf } from './column-uses.ts';
import { usesNameAlone } from './name-uses.ts';
import { bodyOf } from './read-body.ts';
import type { FunctionFacts, Tables } from './references.ts';
import { doubtsRows } from './row-doubts.ts';
import { type RowUser, rowUsesIn } from './row-uses.ts';
import { lineAt, offsetsOf } from './texts.ts';
import { TREE } from './tree.ts';

interface FunctionRow {
  oid: string;
  schema: string;
  name: string;
  signature: string;
  procedure: string;
  md5: string;
  arguments: string;
  definition: string;
  source: string;
  language: string;
  overloaded: boolean;
  /** Schemas that it searches for names without one; null where it takes those of its caller. */
  searches: string | null;
  triggers: string[];
  triggersElsewhere: string[];
  returns: RowUser['returns'];
  rowTriggers: boolean;
  rowArguments: FunctionFacts['rowArguments'];
  /** What its triggers call the rows that a statement has changed. */
  transitionTables: string[];
}

/**
 * Functions whose body is text that has one of some words in it, `$2`: nothing in the catalogue says what they use. With `$3` also those that triggers of the
 * table run, or that take or return rows of it.
 */
const FUNCTIONS = `
  ${TREE}
  SELECT p.oid::int8::text AS oid, n.nspname AS schema, p.proname AS name, oidvectortypes(p.proargtypes) AS arguments,
    quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature,
    pg_get_functiondef(p.oid) AS definition, p.prosrc AS source, l.lanname AS language, p.oid::regprocedure::text AS procedure, md5(p.prosrc) AS md5,
    EXISTS (SELECT 1 FROM pg_proc o WHERE o.proname = p.proname AND o.oid <> p.oid AND o.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)) AS overloaded,
    ARRAY(SELECT DISTINCT t.tgname::text FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid IN (SELECT oid FROM tree) AND NOT t.tgisinternal ORDER BY 1) AS triggers,
    ARRAY(SELECT DISTINCT quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass::text FROM pg_trigger t
      WHERE t.tgfoid = p.oid AND t.tgrelid NOT IN (SELECT oid FROM tree) AND NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 1) AS "triggersElsewhere",
    (SELECT substr(setting, length('search_path=') + 1) FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search_path=%') AS searches,
    CASE WHEN EXISTS (SELECT 1 FROM pg_class c JOIN tree ON tree.oid = c.oid WHERE c.reltype = p.prorettype) THEN 'rows'
      WHEN p.prorettype = 'void'::regtype THEN 'nothing' WHEN EXISTS (SELECT 1 FROM pg_type t WHERE t.oid = p.prorettype AND t.typtype = 'c') THEN 'other rows'
      ELSE 'values' END AS returns,
    EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid IN (SELECT oid FROM tree) AND t.tgtype & 1 = 1 AND NOT t.tgisinternal) AS "rowTriggers",
    ARRAY(SELECT named.name::text FROM pg_trigger t CROSS JOIN LATERAL (VALUES (t.tgnewtable), (t.tgoldtable)) AS named(name)
      WHERE t.tgfoid = p.oid AND t.tgrelid IN (SELECT oid FROM tree) AND named.name IS NOT NULL) AS "transitionTables",
    (SELECT coalesce(json_agg(json_build_object('place', CASE l.lanname WHEN 'sql' THEN k.input ELSE k.place END, 'name', coalesce(p.proargnames[k.place], ''))), '[]')
      FROM (SELECT type, place, count(*) FILTER (WHERE mode IN ('i', 'b', 'v')) OVER (ORDER BY place) AS input
        FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) WITH ORDINALITY AS arg(type, given, place),
          coalesce(given, 'i') AS mode) AS k
      JOIN pg_class c ON c.reltype = k.type JOIN tree ON tree.oid = c.oid) AS "rowArguments"
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE p.prokind IN ('f', 'p') AND l.lanname NOT IN ('internal', 'c') AND p.prosqlbody IS NULL
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT ${holdsLedger('n.oid')}
    AND (EXISTS (SELECT 1 FROM unnest($2::text[]) AS word WHERE position(lower(word) IN lower(p.prosrc)) > 0) OR $3 AND (EXISTS (
      SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid IN (SELECT oid FROM tree) AND NOT t.tgisinternal)
      OR EXISTS (SELECT 1 FROM pg_class c JOIN tree ON tree.oid = c.oid WHERE c.reltype = p.prorettype OR c.reltype = ANY (p.proargtypes::oid[]))))
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ORDER BY 2, 3, 5`;

const HOLDERS = `
  SELECT DISTINCT c.relname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  WHERE a.attname = $1 AND a.attnum > 0 AND NOT a.attisdropped`;

const LIKE_COLUMNS = `
  ${TREE}
  SELECT p.oid::regprocedure::text AS signature FROM pg_proc p JOIN pg_class c ON c.reltype = p.proargtypes[0] JOIN tree ON tree.oid = c.oid
  WHERE p.pronargs = 1 AND p.proname = $2 ORDER BY 1`;

interface NamedTable extends QualifiedName {
  readonly oid: number;
}

/**
 * Functions that use the column in a body that is text, or may: those that triggers of the table run, and those that name the
 * table as well. What a function puts together itself is not seen. `ours` are functions of the sync.
 */
export async function readMentions(
  db: Queryable,
  table: NamedTable,
  column: string,
  ours: ReadonlySet<string> = new Set(),
): Promise<MentionFacts[]> {
  const rows = await all<FunctionRow>(db, FUNCTIONS, [table.oid, [...writtenAs(column), 'natural'], false]);
  const tables = await tablesOf(db, table);
  const holders = await holdersOf(db, column);
  const found: MentionFacts[] = [];
  for (const row of rows.filter(({ name }) => !ours.has(name))) {
    const { source, language, definition, triggers, rowArguments } = row;
    const named = await offsetsOf(source, language, column);
    // A natural join is by the column without naming it.
    const offsets = named.length > 0 ? named : await offsetsOf(source, language, 'natural');
    const concerns =
      triggers.length > 0 ||
      rowArguments.length > 0 ||
      (await namesAny(
        source,
        language,
        tables.map(({ name }) => name),
      ));
    if (offsets.length === 0 || !concerns) continue;
    const facts = { mentioned: named.length > 0, isTriggerOfTable: triggers.length > 0, rowArguments, holders };
    const use = useOf(facts, await bodyOf(definition, source, language), tablesSeenBy(row, tables), column);
    if (use === 'none') continue;
    const before = definition.slice(0, definition.indexOf(source));
    const lines = offsets.map((offset) => lineAt(before + source, Buffer.byteLength(before) + offset));
    found.push({
      schema: row.schema,
      name: row.name,
      versionName: row.overloaded ? `${row.name}_${slug(row.arguments)}`.replace(/_$/, '') : row.name,
      signature: row.signature,
      procedure: row.procedure,
      md5: row.md5,
      definition,
      use,
      lines: [...new Set(lines)],
      triggers,
      triggersElsewhere: row.triggersElsewhere,
    });
  }
  return apart(found);
}

/** Functions of several schemas may have one name, and arguments may read like a part of another name. */
function apart(found: readonly MentionFacts[]): MentionFacts[] {
  const isTaken = ({ versionName }: MentionFacts, at: number): boolean =>
    found.some((other, place) => place !== at && other.versionName === versionName);
  return found.map((mention, at) =>
    isTaken(mention, at)
      ? { ...mention, versionName: `${mention.versionName}_${shortHash(mention.procedure)}` }
      : mention,
  );
}

/** A function that depends on the order or the number of a table's columns. */
export interface RowUserFacts {
  readonly signature: string;
  readonly uses: readonly string[];
  /** Whether it may depend on them, as far as its text can tell. */
  readonly doubtful: boolean;
}

/** Functions whose body is text and that put whole rows of the table where columns go by their position. */
export async function readRowUsers(
  db: Queryable,
  table: NamedTable,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<RowUserFacts[]> {
  const tables = await tablesOf(db, table);
  const columns = (await listColumns(db, table.oid)).filter((column) => column !== to || to === from);
  const inTable = {
    place: columns.indexOf(from) + 1,
    isLastColumn: columns.at(-1) === from,
    ...(await rowFunctionsOf(db, table)),
  };
  const words = [...tables.map(({ name }) => name), ...inTable.rowFunctions, ...inTable.rowTakers];
  const rows = await all<FunctionRow>(db, FUNCTIONS, [table.oid, words, true]);
  const found: RowUserFacts[] = [];
  for (const row of rows) {
    const { source, language, definition, signature, returns, rowTriggers, rowArguments } = row;
    const hasRows = row.triggers.length > 0 || rowArguments.length > 0 || returns === 'rows';
    if (!hasRows && !(await namesAny(source, language, words))) continue;
    const body = await bodyOf(definition, source, language);
    if (body === null) continue;
    const user = { ...inTable, isTriggerOfTable: rowTriggers, returns, rowArguments };
    const seen = tablesSeenBy(row, tables);
    const uses = rowUsesIn(body, seen, user);
    const doubtful = uses.length === 0 && doubtsRows(body, seen, user);
    if (uses.length > 0 || doubtful) found.push({ signature, uses, doubtful });
  }
  return found;
}

/**
 * Functions for which a new column of the table would take a name that they use for something else, by their signatures: in their text, or as a function of one row
 * that is called like one of its columns, `row.name`.
 */
export async function readNameUsers(db: Queryable, table: NamedTable, name: string): Promise<string[]> {
  const tables = await tablesOf(db, table);
  const holders = await holdersOf(db, name);
  // Where another table has such a column, all columns of both have the name twice.
  const words = [...writtenAs(name), ...(holders.size > 0 ? tables.map((one) => one.name) : [])];
  const rows = await all<FunctionRow>(db, FUNCTIONS, [table.oid, words, false]);
  const { rowFunctions } = await rowFunctionsOf(db, table);
  const wanted = { name, holders, rowFunctions };
  const found: string[] = [];
  for (const row of rows) {
    const body = await bodyOf(row.definition, row.source, row.language);
    const tablesSeen = tablesSeenBy(row, tables);
    if (body !== null && usesNameAlone(body, row.source, { ...wanted, tables: tablesSeen })) found.push(row.signature);
  }
  const likeColumns = await all<{ signature: string }>(db, LIKE_COLUMNS, [table.oid, name]);
  return [...found, ...likeColumns.map(({ signature }) => signature)];
}

/** Names of relations that have a column of a name. */
async function holdersOf(db: Queryable, column: string): Promise<ReadonlySet<string>> {
  return new Set((await all<{ name: string }>(db, HOLDERS, [column])).map(({ name }) => name));
}

/** The table, its partitions and its children; itself first. */
function tablesOf(db: Queryable, { oid }: NamedTable): Promise<QualifiedName[]> {
  return all<QualifiedName>(
    db,
    `${TREE} SELECT n.nspname AS schema, c.relname AS name FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     ORDER BY c.oid <> $1::oid, 1, 2`,
    [oid],
  );
}

/** The tables as a function can name them, and what its triggers call the rows that a statement has changed. */
function tablesSeenBy({ transitionTables, searches }: FunctionRow, tables: Tables): Tables {
  const schemas = searches?.split(',').map((schema) => schema.trim().replace(/^"(.*)"$/, '$1'));
  return [
    ...tables.map((table) => ({ ...table, hidden: schemas !== undefined && !schemas.includes(table.schema) })),
    ...transitionTables.map((name) => ({ schema: '', name })),
  ];
}

/** Names of functions that return rows of the table, its partitions and children, and of those that take some. */
async function rowFunctionsOf(
  db: Queryable,
  { oid }: NamedTable,
): Promise<{ rowFunctions: ReadonlySet<string>; rowTakers: ReadonlySet<string> }> {
  const rows = await all<{ name: string; returns: boolean }>(
    db,
    `${TREE}, types(oid) AS MATERIALIZED (SELECT c.reltype FROM tree JOIN pg_class c ON c.oid = tree.oid)
     SELECT p.proname AS name, true AS returns FROM pg_proc p JOIN types ON types.oid = p.prorettype
     UNION SELECT p.proname, false FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) AS taken(oid)
     JOIN types ON types.oid = taken.oid WHERE taken.oid <> p.prorettype`,
    [oid],
  );
  const names = (isReturned: boolean): ReadonlySet<string> =>
    new Set(rows.filter(({ returns }) => returns === isReturned).map(({ name }) => name));
  return { rowFunctions: names(true), rowTakers: names(false) };
}

/** A name as a text may have it: in quotes, its own are doubled. */
function writtenAs(name: string): string[] {
  return name.includes('"') ? [name, name.replaceAll('"', '""')] : [name];
}

async function namesAny(source: string, language: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) if ((await offsetsOf(source, language, name)).length > 0) return true;
  return false;
}
