import { patternOf } from '../domain/pattern.ts';
import { placesInSql } from './in-sql.ts';
import { Lines, type Target } from './target.ts';

/** A line that a statement may end on, or that tools which read several from one file put between them. */
const ENDS = /;[ \t]*(?:--.*)?$|^--[ \t]*(?:BLOCK|name:)/;

/** What lines of an `.sql` file mean by the column's name. @param isNamed whether the file names the table at all. */
export async function linesOfSqlFile(text: string, target: Target, isNamed: boolean): Promise<Lines> {
  const lines = new Lines();
  for (const { sql, first } of await partsOf(text, target)) {
    const places = await placesInSql(bound(sql), target);
    const seen = new Set<number>();
    for (const { at, meaning } of places ?? []) {
      const line = first + sql.slice(0, at).split('\n').length - 1;
      seen.add(line);
      lines.add(line, meaning === 'own' ? 'sure' : meaning === 'unknown' && isNamed ? 'likely' : 'by_name');
    }
    // Bodies of functions are texts, and what does not parse says nothing.
    namedLines(sql, target).forEach((below) => {
      if (!seen.has(first + below)) lines.add(first + below, isNamed ? 'likely' : 'by_name');
    });
  }
  return lines;
}

interface Part {
  readonly sql: string;
  readonly first: number;
}

/** The whole where PostgreSQL takes it; else statement by statement. */
async function partsOf(text: string, target: Target): Promise<Part[]> {
  if ((await placesInSql(bound(text), target)) !== null) return [{ sql: text, first: 1 }];
  const parts: { lines: string[]; first: number }[] = [{ lines: [], first: 1 }];
  text.split('\n').forEach((line, at) => {
    parts.at(-1)?.lines.push(line);
    if (ENDS.test(line)) parts.push({ lines: [], first: at + 2 });
  });
  return parts.map(({ lines, first }) => ({ sql: lines.join('\n'), first }));
}

/** Parameters that tools know by name, in as many characters: `$id`, `:id`. */
const bound = (sql: string): string =>
  sql.replaceAll(/(?<![\w$:])[$:]([A-Za-z_]\w*)(?!\w*\$)/g, (whole) =>
    whole.length > 1 ? `$1${' '.repeat(whole.length - 2)}` : whole,
  );

/** Lines that hold the name outside a comment, from 0. */
function namedLines(sql: string, { names }: Target): number[] {
  const pattern = new RegExp(`(?<![A-Za-z0-9_$])(?:${[...names].map(patternOf).join('|')})(?![A-Za-z0-9_$])`, 'i');
  const bare = sql.replaceAll(/\/\*[\s\S]*?\*\/|--.*/g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
  return bare.split('\n').flatMap((line, at) => (pattern.test(line) ? [at] : []));
}
