import { distance } from 'fastest-levenshtein';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { parse, scan } from '../postgres/parser.ts';
import { ensureNoConflict } from './yaml.ts';

/** A plain SQL migration, taken apart. */
export interface SqlMigration {
  readonly transaction: boolean;
  /** Statements, each as it stands in the file. */
  readonly up: readonly string[];
  readonly down: readonly string[] | null;
}

const DIRECTIVES = { down: '-- phase:down', noTransaction: '-- phase:no-transaction' } as const;

/** As the runner understands them: on a line of their own, from its beginning. */
const EXACT = {
  down: /^--[ \t]*phase:down[ \t\r]*$/,
  noTransaction: /^--[ \t]*phase:no-transaction[ \t\r]*$/,
} as const;

/** A script that `parseSqlMigration` takes, as text with its comments: the way there, and the way back; null where there is none. */
export function scriptParts(text: string): { readonly up: string; readonly down: string | null } {
  const [up = '', down = null] = text.split(new RegExp(EXACT.down, 'm'));
  return { up, down };
}

/** A script without the line that it runs outside a transaction. */
export const withoutNoTransaction = (script: string): string =>
  script.replace(new RegExp(EXACT.noTransaction, 'm'), '').trim();

/** What somebody may have meant by a comment: other cases, spaces, dashes and letters in another order, in a block, with more behind it. */
const MEANT = /^(?:--|\/\*)[\s*-]*phase\s*[:=]\s*([a-z]+(?:[\s_-]*transaction)?)(.*)/is;

interface Comment {
  /** Bytes from the beginning of the script. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Reads a `.sql` migration: its `up`, after a line `-- phase:down` its `down`; with a line `-- phase:no-transaction` before its first statement it runs
 * outside a transaction.
 * @throws PH3014 when PostgreSQL's parser does not take it, it begins or ends transactions itself, or a comment is nearly one of these lines.
 */
export async function parseSqlMigration(file: string, text: string): Promise<SqlMigration> {
  // Some editors begin a file with the mark of its byte order.
  const script = text.replace(/^\ufeff/, '');
  const refuse = (reason: string): never => {
    throw new PhaseError('PH3014', { file, reason });
  };
  ensureNoConflict(file, script);
  if (script.trim() === '') refuse('It is empty.');
  // The parser would end there, and everything behind it would be left out.
  if (script.includes('\0')) refuse('It holds a NUL byte.');
  const bytes = Buffer.from(script, 'utf8');
  const { comments, firstToken } = await commentsIn(file, script);
  const lineOf = (at: number): number => bytes.subarray(0, at).toString('utf8').split('\n').length;
  const isAtLineStart = ({ start }: Comment): boolean => start === 0 || bytes[start - 1] === 10;
  const of = (kind: keyof typeof EXACT): Comment[] =>
    comments.filter((comment) => EXACT[kind].test(comment.text) && isAtLineStart(comment));
  const [downs, outside] = [of('down'), of('noTransaction')];
  for (const comment of comments) {
    const meant = downs.includes(comment) || outside.includes(comment) ? null : directiveMeant(comment.text);
    if (meant !== null)
      refuse(
        `Line ${lineOf(comment.start)} is not understood: write "${meant}" on a line of its own, from its beginning.`,
      );
  }
  const [down, another] = downs;
  if (another !== undefined) refuse(`Line ${lineOf(another.start)} is a second "${DIRECTIVES.down}".`);
  const late = outside.find(({ start }) => start > firstToken);
  if (late !== undefined)
    refuse(`Line ${lineOf(late.start)}, "${DIRECTIVES.noTransaction}", has to stand before the first statement.`);
  const part = (from: number, to?: number): string => bytes.subarray(from, to).toString('utf8');
  return {
    transaction: outside.length === 0,
    up: await splitStatements(file, part(0, down?.start)),
    down: down === undefined ? null : await splitStatements(file, part(down.end)),
  };
}

/** Comments that are none of a literal's or a body's, and where the first statement begins. */
async function commentsIn(
  file: string,
  script: string,
): Promise<{ readonly comments: readonly Comment[]; readonly firstToken: number }> {
  const { tokens } = await scan(script).catch((error: Error) => {
    throw new PhaseError('PH3014', { file, reason: `PostgreSQL's parser says: ${error.message}.` }, { cause: error });
  });
  const isComment = ({ tokenName }: { tokenName: string }): boolean => /COMMENT/.test(tokenName);
  return {
    comments: tokens.filter(isComment),
    firstToken: tokens.find((token) => !isComment(token))?.start ?? Number.POSITIVE_INFINITY,
  };
}

/** The directive that a comment nearly is; null for any other comment. */
function directiveMeant(comment: string): string | null {
  const [, word = '', rest = ''] = MEANT.exec(comment) ?? [];
  const letters = word.toLowerCase().replace(/[^a-z]/g, '');
  if (letters === 'down') return DIRECTIVES.down;
  if (letters.endsWith('transaction')) return DIRECTIVES.noTransaction;
  const isAlone = rest.replace(/\*\/$/, '').trim() === '';
  return isAlone && letters !== '' && distance(letters, 'down') <= 2 ? DIRECTIVES.down : null;
}

/** Splits a script by PostgreSQL's own parser, so that quotes, dollar quotes and BEGIN ATOMIC bodies stay whole. */
async function splitStatements(file: string, script: string): Promise<string[]> {
  const bytes = Buffer.from(script, 'utf8');
  const { stmts = [] } = await parse(script).catch((error: Error) => {
    throw new PhaseError('PH3014', { file, reason: `PostgreSQL's parser says: ${error.message}.` }, { cause: error });
  });
  return stmts.map(({ stmt, stmt_location: start = 0, stmt_len: length = 0 }) => {
    if (stmt && 'TransactionStmt' in stmt) {
      throw new PhaseError('PH3014', { file, reason: 'It begins or ends a transaction; the runner does that.' });
    }
    const end = length === 0 ? bytes.length : start + length;
    return bytes.subarray(start, end).toString('utf8').trim();
  });
}
