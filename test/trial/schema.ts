import { readFile } from 'node:fs/promises';
import { quoteIdent } from '../../src/domain/identifier.ts';
import type { TestDatabase } from '../support/database.ts';

/** A statement of the dump that the server did not take, such as an extension that it does not have. */
export interface SkippedStatement {
  readonly statement: string;
  readonly reason: string;
}

/**
 * Runs a schema dump as psql would, a statement at a time; what fails is left out and reported. Roles that it names are
 * created.
 */
export async function loadDump(database: TestDatabase, file: string): Promise<SkippedStatement[]> {
  const skipped: SkippedStatement[] = [];
  for (const statement of statementsOf(await readFile(file, 'utf8'))) {
    const reason = await attempt(database, statement);
    if (reason !== null) skipped.push({ statement: statement.trim().slice(0, 200), reason });
  }
  await database.sql('RESET ALL');
  return skipped;
}

/** Null when it ran. A role that is missing is created, once for each statement and role. */
async function attempt(database: TestDatabase, statement: string): Promise<string | null> {
  for (const made = new Set<string>(); ; ) {
    try {
      await database.sql(statement);
      return null;
    } catch (error) {
      const { message } = error as Error;
      const role = /^role "(.+)" does not exist$/.exec(message)?.[1];
      if (role === undefined || made.has(role)) return message;
      made.add(role);
      await database.sql(`CREATE ROLE ${quoteIdent(role)}`).catch(() => undefined);
    }
  }
}

/**
 * Statements of a dump, without psql's own commands and without the data of COPY. Taken apart by quotes, comments and
 * parentheses, since psql does the same: a parser would refuse the whole file for one statement of another version.
 */
function statementsOf(text: string): string[] {
  const lines = text.split('\n');
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (/^COPY .* FROM stdin;$/i.test(line)) while (at < lines.length && lines[at] !== '\\.') at++;
    else if (!line.startsWith('\\')) kept.push(line);
  }
  return split(kept.join('\n'));
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?\$\1\$|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\bBEGIN\s+ATOMIC\b|\bCASE\b|\bEND\b|[A-Za-z_][\w$]*|[\s\S]/gi;

function split(script: string): string[] {
  const statements: string[] = [];
  let statement = '';
  // Inside BEGIN ATOMIC, and between the parentheses of a rule, a semicolon ends nothing; CASE has an END of its own.
  let depth = 0;
  for (const [token] of script.matchAll(TOKEN)) {
    if (token === ';' && depth === 0) {
      if (statement.trim() !== '') statements.push(statement);
      statement = '';
      continue;
    }
    if (token === '(' || /^BEGIN\s+ATOMIC$/i.test(token)) depth++;
    else if (token === ')') depth--;
    else if (depth > 0 && /^CASE$/i.test(token)) depth++;
    else if (depth > 0 && /^END$/i.test(token)) depth--;
    if (!token.startsWith('--')) statement += token;
  }
  return statement.trim() === '' ? statements : [...statements, statement];
}

/** A column of the schema that a rename may be asked for. */
export interface TrialColumn {
  /** Quoted, as in SQL. */
  readonly table: string;
  readonly column: string;
}

/**
 * Columns of ordinary and partitioned tables, in order. Those that a partition or child has from its parent are left out:
 * they are renamed with the parent's, and PostgreSQL takes no RENAME COLUMN for them.
 */
export async function columnsOf(database: TestDatabase): Promise<TrialColumn[]> {
  return database.sql(`
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table, a.attname AS column
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname, a.attnum`);
}
