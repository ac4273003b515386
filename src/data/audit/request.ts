import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { AuditKind } from '../../ledger/audits.ts';
import type { Statement } from './source.ts';

/** SQL, or SQL with the values of its $1, $2 and so on. */
export type Query = string | { readonly sql: string; readonly values: readonly unknown[] };

/** A change of data and what is written down of it. */
export interface DataChangeRequest {
  /** The columns that tell rows apart; each query gives them. */
  readonly key?: string | readonly string[];
  /** A SELECT of what was there: the key, and the columns that move. */
  readonly pre?: Query;
  /** Any statement with RETURNING. Left out where the change itself is made in batches. */
  readonly change?: Query;
  /** A SELECT of what is there now, of the same rows: `pre_keys` is a table of the keys that pre gave. */
  readonly post?: Query;
  /** Columns of which only a digest is written, equal where the values are. */
  readonly redact?: readonly string[];
  /** `any` lifts the comparison of the keys. */
  readonly keys?: 'equal' | 'any';
  /** The queries sum up, such as by a count, and have no key. */
  readonly summary?: boolean;
}

/** Rows that each of the queries gave. */
export type DataChangeResult = Readonly<Record<AuditKind, number | null>>;

/** A request whose fields have one form. */
export interface DataChangePlan {
  readonly name: string;
  readonly key: readonly string[];
  readonly pre: Statement | null;
  readonly change: Statement | null;
  readonly post: Statement | null;
  readonly redact: readonly string[];
  readonly keysRule: 'equal' | 'any';
  readonly isSummary: boolean;
}

/** @throws PH5017 for what cannot be carried out. */
export function planOf(name: string, request: DataChangeRequest): DataChangePlan {
  const refuse = (reason: string): never => {
    throw new PhaseError('PH5017', { change: name, reason });
  };
  const { pre, change, post, redact = [], keys = 'equal', summary = false } = request;
  const key = request.key === undefined ? [] : [request.key].flat();
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$/.test(name))
    refuse('Its name is part of a file name: letters, digits, _, . and -.');
  if (pre === undefined && change === undefined && post === undefined) refuse('It has none of pre, change and post.');
  if (change === undefined && pre !== undefined && post !== undefined) {
    refuse(
      'Without a change there is nothing between pre and post: give them in two calls, and make the change between them.',
    );
  }
  if (summary && (change !== undefined || key.length > 0)) refuse('A summary has neither key nor change.');
  if (!summary && key.length === 0)
    refuse('It has no key, so rows cannot be told apart; a count and the like has summary: true.');
  const hidden = key.filter((column) => redact.includes(column));
  if (hidden.length > 0)
    refuse(`The key ${hidden.join(', ')} cannot be redacted: rows are compared by it. Choose another key.`);
  return {
    name,
    key,
    pre: statementOf(pre),
    change: statementOf(change),
    post: statementOf(post),
    redact,
    keysRule: keys,
    isSummary: summary,
  };
}

function statementOf(query: Query | undefined): Statement | null {
  if (query === undefined) return null;
  return typeof query === 'string'
    ? { sql: trimmed(query), values: [] }
    : { sql: trimmed(query.sql), values: query.values };
}

/** Without the semicolon that people end statements with: it becomes part of another one. */
const trimmed = (sql: string): string => sql.replace(/[;\s]+$/, '');
