import { parse } from 'libpg-query';
import { PhaseError } from '../domain/errors/phase-error.ts';

/** A plain SQL migration, taken apart. */
export interface SqlMigration {
  readonly transaction: boolean;
  /** Statements, each as it stands in the file. */
  readonly up: readonly string[];
  readonly down: readonly string[] | null;
}

const DOWN = /^--\s*phase:down\s*$/m;
const NO_TRANSACTION = /^--\s*phase:no-transaction\s*(?:\r?\n|$)/;

/**
 * Reads a `.sql` migration: its `up`, after a line `-- phase:down` its `down`; with a first line
 * `-- phase:no-transaction` it runs outside a transaction.
 * @throws PH3014 when PostgreSQL's parser does not take it, or it begins or ends transactions itself.
 */
export async function parseSqlMigration(file: string, text: string): Promise<SqlMigration> {
  // Some editors begin a file with the mark of its byte order.
  const script = text.replace(/^\ufeff/, '');
  const [up = '', down] = script.split(DOWN);
  return {
    transaction: !NO_TRANSACTION.test(script),
    up: await splitStatements(file, up),
    down: down === undefined ? null : await splitStatements(file, down),
  };
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
