import { scan } from '../postgres/parser.ts';
import { wordOf } from './column-uses.ts';

/** The line, from 1, of a place in a text that is given in bytes. */
export function lineAt(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().split('\n').length;
}

/**
 * Where a body in plpgsql or SQL names something, in bytes: as an identifier, or as a word in a string that may be run.
 * Comments do not count. PostgreSQL's own scanner takes the body apart, so `email` is not found in `email_address`.
 */
export async function offsetsOf(source: string, language: string, name: string): Promise<number[]> {
  if (language !== 'plpgsql' && language !== 'sql') return wordsIn(source, name);
  try {
    const { tokens } = await scan(source);
    return tokens.flatMap(({ text, tokenName, start }) => {
      if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') return [];
      if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"') === name ? [start] : [];
      if (/^([eEbBxXnN]|[uU]&)?'/.test(text) || text.startsWith('$'))
        return wordsIn(withoutQuotes(text), name).map((offset) => start + offset);
      return text.toLowerCase() === name ? [start] : [];
    });
  } catch {
    return wordsIn(source, name);
  }
}

/** A constant without what could be taken for a part of a name in it, as long as it was: the tag of a dollar quote, and escapes. */
function withoutQuotes(text: string): string {
  const blank = (part: string): string => ' '.repeat(Buffer.byteLength(part));
  const [tag] = /^\$[^$]*\$/.exec(text) ?? [];
  if (tag !== undefined) return blank(tag) + text.slice(tag.length, -tag.length) + blank(tag);
  return /^[eE]/.test(text) ? text.replace(/\\[a-z]/g, blank) : text;
}

/** Where a text holds a name with nothing of a name on either side of it, in bytes. */
function wordsIn(text: string, name: string): number[] {
  const matches = text.matchAll(new RegExp(wordOf(name), 'giu'));
  return [...matches].map(({ index }) => Buffer.byteLength(text.slice(0, index)));
}
