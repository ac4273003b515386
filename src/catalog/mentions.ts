import { scan } from 'libpg-query';
import type { MentionFacts } from '../domain/facts.ts';
import { patternOf } from '../domain/pattern.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { TREE } from './tree.ts';

/** What has to be known of a trigger to say whether its function is told of a column. */
export interface TriggerSource {
  /** The function's body. */
  readonly source: string;
  readonly language: string;
  /** Arguments of the trigger, each ended by `\000`, as encode(tgargs, 'escape') gives them. */
  readonly arguments: string;
}

/** What a trigger gives to its function. */
export function argumentsOf({ arguments: encoded }: TriggerSource): string[] {
  return encoded.split('\\000').slice(0, -1);
}

/** Whether a trigger's function, or an argument that the trigger gives it, names a column. */
export async function triggerMentions(trigger: TriggerSource, column: string): Promise<boolean> {
  if (argumentsOf(trigger).includes(column)) return true;
  return (await offsetsOf(trigger.source, trigger.language, column)).length > 0;
}

/** Whether a trigger's function gives NEW as a whole another value, or returns another row: then it may change any column. */
export async function assignsRow({ source, language }: TriggerSource): Promise<boolean> {
  if (language !== 'plpgsql') return language !== 'sql';
  try {
    const words = (await scan(source)).tokens
      .filter(({ tokenName }) => tokenName !== 'SQL_COMMENT' && tokenName !== 'C_COMMENT')
      .map(({ text }) => text.toLowerCase());
    return words.some((word, at) => {
      const [next, previous] = [words[at + 1], words[at - 1]];
      if (word === 'new') return next === ':=' || next === '=' || previous === 'into';
      return word === 'return' && next !== 'new' && next !== 'old' && next !== 'null' && next !== ';';
    });
  } catch {
    return true;
  }
}

interface FunctionRow {
  schema: string;
  name: string;
  signature: string;
  definition: string;
  source: string;
  language: string;
  overloaded: boolean;
  triggers: string[];
}

/** Functions whose body is text: nothing in the catalogue says what they use. */
const FUNCTIONS = `
  ${TREE}
  SELECT n.nspname AS schema, p.proname AS name,
    quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature,
    pg_get_functiondef(p.oid) AS definition, p.prosrc AS source, l.lanname AS language,
    EXISTS (SELECT 1 FROM pg_proc o WHERE o.proname = p.proname AND o.oid <> p.oid AND o.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)) AS overloaded,
    ARRAY(SELECT DISTINCT t.tgname::text FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid IN (SELECT oid FROM tree) AND NOT t.tgisinternal ORDER BY 1) AS triggers
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE p.prokind IN ('f', 'p') AND l.lanname NOT IN ('internal', 'c') AND p.prosqlbody IS NULL
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'phase') AND position(lower($2) IN lower(p.prosrc)) > 0
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ORDER BY 1, 2, 3`;

/**
 * Functions that name the column in a body that is text: those that triggers of the table run, and those that name the
 * table as well. More may be listed than use it (another table may have a column of that name), never fewer, but for names
 * that a function puts together itself.
 */
export async function readMentions(
  db: Queryable,
  table: { readonly oid: number; readonly name: string },
  column: string,
): Promise<MentionFacts[]> {
  const rows = await all<FunctionRow>(db, FUNCTIONS, [table.oid, column]);
  const found: MentionFacts[] = [];
  for (const { source, language, definition, ...row } of rows) {
    const offsets = await offsetsOf(source, language, column);
    const concerns = row.triggers.length > 0 || (await offsetsOf(source, language, table.name)).length > 0;
    if (offsets.length === 0 || !concerns) continue;
    const before = definition.slice(0, definition.indexOf(source));
    const lines = offsets.map((offset) => lineAt(before + source, Buffer.byteLength(before) + offset));
    found.push({ ...row, definition, lines: [...new Set(lines)] });
  }
  return found;
}

/** The line, from 1, of a place in a text that is given in bytes. */
function lineAt(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().split('\n').length;
}

/**
 * Where a body in plpgsql or SQL names something, in bytes: as an identifier, or as a word in a string that may be run.
 * Comments do not count. PostgreSQL's own scanner takes the body apart, so `email` is not found in `email_address`.
 */
async function offsetsOf(source: string, language: string, name: string): Promise<number[]> {
  if (language !== 'plpgsql' && language !== 'sql') return wordsIn(source, name);
  try {
    const { tokens } = await scan(source);
    return tokens.flatMap(({ text, tokenName, start }) => {
      if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') return [];
      if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"') === name ? [start] : [];
      if (/^([eEbBxXnN]|[uU]&)?'/.test(text) || text.startsWith('$'))
        return wordsIn(text, name).map((offset) => start + offset);
      return text.toLowerCase() === name ? [start] : [];
    });
  } catch {
    return wordsIn(source, name);
  }
}

/** Where a text holds a name with nothing of a name on either side of it, in bytes. */
function wordsIn(text: string, name: string): number[] {
  const matches = text.matchAll(new RegExp(`(?<![\\w$])${patternOf(name)}(?![\\w$])`, 'giu'));
  return [...matches].map(({ index }) => Buffer.byteLength(text.slice(0, index)));
}
