import { patternOf } from '../domain/pattern.ts';
import type { History } from '../project/history.ts';
import { linesOfOwnCode } from './find.ts';

/** What PostgreSQL does with a table and not with a view, each as it stands beside the table's name. */
const beside = (name: string): readonly RegExp[] =>
  [
    `\\bTRUNCATE\\b[^;]*${name}`,
    `\\bCOPY\\s+(?:ONLY\\s+)?(?:\\S+\\.)?${name}(?=[^;]*\\bFROM\\b)`,
    `${name}[^;]*\\bON\\s+CONFLICT\\s+ON\\s+CONSTRAINT\\b`,
    `${name}[^;]*\\bTABLESAMPLE\\b`,
    `${name}[^;]*\\bWHERE\\s+CURRENT\\s+OF\\b`,
    `\\b(?:ctid|xmin)\\b[^;]*${name}|${name}[^;]*\\b(?:ctid|xmin)\\b`,
    `\\bMERGE\\s+INTO\\s+(?:ONLY\\s+)?(?:\\S+\\.)?${name}`,
    `pg_get_serial_sequence\\([^)]*${name}`,
  ].map((source) => new RegExp(source, 'i'));

/** Lines of the code that do to a table what a view does not take, by their words: they may mean another one. */
export async function findNotOfViews(
  history: Pick<History, 'root' | 'files'>,
  table: string,
): Promise<{ readonly file: string; readonly line: number }[]> {
  const patterns = beside(`(?<![\\w$])["'\`]?${patternOf(table)}(?![\\w$])`);
  return linesOfOwnCode(history, (line) => patterns.some((pattern) => pattern.test(line)));
}
