import { PhaseError } from '../domain/errors/phase-error.ts';

/** SQLSTATEs that this code decides by: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlState = {
  lockNotAvailable: '55P03',
  deadlockDetected: '40P01',
  serializationFailure: '40001',
  queryCanceled: '57014',
  insufficientPrivilege: '42501',
  undefinedTable: '42P01',
  duplicateColumn: '42701',
  invalidSchemaName: '3F000',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  duplicateDatabase: '42P04',
  invalidCatalogName: '3D000',
  invalidFunctionDefinition: '42P13',
  undefinedObject: '42704',
  datatypeMismatch: '42804',
  cannotCoerce: '42846',
  invalidObjectDefinition: '42P17',
  idleInTransaction: '25P03',
  activeTransaction: '25001',
  syntaxError: '42601',
  featureNotSupported: '0A000',
  dependentObjectsStillExist: '2BP01',
} as const;

/** Errors after which the same transaction may be tried again. */
const RETRYABLE: readonly string[] = [
  sqlState.idleInTransaction,
  sqlState.lockNotAvailable,
  sqlState.deadlockDetected,
  sqlState.serializationFailure,
];

/** The SQLSTATE of an error, or of what caused it; undefined when it does not come from the server. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string' && !(error instanceof PhaseError)) return error.code;
  return 'cause' in error ? codeOf(error.cause) : undefined;
}

/** Whether the same may be tried again; not where something has used its own tries up already. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof PhaseError) && RETRYABLE.includes(codeOf(error) ?? '');
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'];
const LOST = [
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '08006',
  '08003',
];

/** Whether an error says that a connection which had stood is gone. */
export function isConnectionLost(error: unknown): boolean {
  return (
    LOST.includes(codeOf(error) ?? '') ||
    (error instanceof Error && /Connection terminated|connection error and is not queryable/.test(error.message))
  );
}

/** What a connection was tried with, for messages; never the password. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Turns the error of a failed connection into one that says what to do. */
export function connectionError(error: unknown, target: Target): Error {
  const server = `${target.host}:${target.port}`;
  const code = codeOf(error) ?? '';
  const reason = reasonOf(error);
  if (
    code === sqlState.invalidPassword ||
    code === sqlState.invalidAuthorization ||
    /password must be a string/.test(reason)
  ) {
    return new PhaseError('PH5002', { user: target.user, server }, { cause: error });
  }
  if (code === sqlState.invalidCatalogName) {
    return new PhaseError('PH5003', { database: target.database, server }, { cause: error });
  }
  const hint = UNREACHABLE.includes(code) ? 'Nothing answers there' : 'The server did not accept the connection';
  return new PhaseError('PH5001', { server, reason: `${hint} (${reason || code}).` }, { cause: error });
}

/** The message of an error, also of one that gathers several. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  const { detail } = error as Error & { detail?: unknown };
  const message = withShortStatement(error);
  // What depends on it, which key is there twice: PostgreSQL says it apart from the message.
  return typeof detail === 'string' && detail !== '' ? `${message} (${detail.replaceAll('\n', '; ')})` : message;
}

/** Of a statement that knex has put in front of PostgreSQL's message no more than this is said: it may be a script of thousands of lines. */
const SHORT_STATEMENT = 300;
const EXCERPT = 80;

/** The message with a long statement cut down to where PostgreSQL says that the error is, or to its beginning. */
function withShortStatement(error: Error & { position?: string; severity?: string }): string {
  const { message, position, severity } = error;
  if (severity === undefined || message.length <= SHORT_STATEMENT) return message;
  const at = endOfStatement(message);
  if (at === -1) return message;
  const statement = message.slice(0, at);
  const lines = (text: string): number => text.split('\n').length;
  const index = Number(position ?? 1) - 1;
  const from = Math.max(0, index - EXCERPT / 2);
  const excerpt = statement
    .slice(from, from + EXCERPT)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const place =
    position === undefined
      ? `in ${lines(statement)} lines that begin with "${excerpt}"`
      : `in line ${lines(statement.slice(0, index))} of ${lines(statement)}, at "${excerpt}"`;
  return `${message.slice(at + 3)} (${place})`;
}

/** Where the last ` - ` is that is not within a quoted name. */
function endOfStatement(message: string): number {
  for (let at = message.lastIndexOf(' - '); at > 0; at = message.lastIndexOf(' - ', at - 1)) {
    if (message.slice(at).split('"').length % 2 === 1) return at;
  }
  return -1;
}
