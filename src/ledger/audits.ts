import { hostname } from 'node:os';
import { all, type LedgerDb, one } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { isoTime } from '../postgres/time.ts';
import { ledgerOf } from './connection.ts';

export type AuditKind = 'pre' | 'change' | 'post';
export type AuditStore = 'files' | 'database';

/** A column of an audit, with its type as `format_type` prints it. */
export interface AuditColumn {
  readonly name: string;
  readonly type: string;
}

/** Rows of a table that a statement has written. */
export interface Written {
  /** The table, quoted; of a partition the table that it belongs to. */
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** An audit as the ledger has it. */
export interface Audit {
  readonly number: string;
  /** Id of the migration, or name and number of a task's run. */
  readonly owner: string;
  readonly run: string;
  readonly name: string;
  readonly kind: AuditKind;
  readonly store: AuditStore;
  /** Relative to the project's folder. */
  readonly file: string;
  readonly gzip: boolean;
  readonly rows: number;
  /** As stored. */
  readonly bytes: number;
  readonly sha256: string;
  readonly columns: readonly AuditColumn[];
  readonly key: readonly string[];
  readonly redacted: readonly string[];
  readonly keysRule: 'equal' | 'any';
  readonly isSummary: boolean;
  /** Of a change: the command that it was, such as UPDATE; null where nobody has kept it. */
  readonly command: string | null;
  /** Of rows that foreign keys took along: the change that it was, and their table, quoted. */
  readonly along: { readonly of: string; readonly table: string } | null;
  /** Of a change: what it has written that is in no audit; null when that is nothing, or nobody has looked. */
  readonly beyond: readonly Written[] | null;
  readonly ticket: string | null;
  readonly host: string;
  readonly writtenAt: string;
}

export type NewAudit = Omit<Audit, 'number' | 'host' | 'writtenAt' | 'beyond'>;

/** Enters an audit, in the transaction of its change; gives its number. */
export async function recordAudit(db: LedgerDb, audit: NewAudit): Promise<string> {
  const { number } = await one<{ number: string }>(
    db,
    `INSERT INTO ${ledgerOf(db)}.audits (owner, run, name, kind, store, file, gzip, rows, bytes, sha256, columns, key, redacted, keys_rule, is_summary, ticket, host, command, along)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) RETURNING number::text AS number`,
    [
      audit.owner,
      audit.run,
      audit.name,
      audit.kind,
      audit.store,
      audit.file,
      audit.gzip,
      audit.rows,
      audit.bytes,
      audit.sha256,
      JSON.stringify(audit.columns),
      audit.key,
      audit.redacted,
      audit.keysRule,
      audit.isSummary,
      audit.ticket,
      hostname(),
      audit.command,
      audit.along === null ? null : JSON.stringify(audit.along),
    ],
  );
  return number;
}

const auditsOf = (ledger: string): string => `
  SELECT number::text AS number, owner, run, name, kind, store, file, gzip, rows::float8 AS rows, bytes::float8 AS bytes, sha256, columns, key,
    redacted, keys_rule AS "keysRule", is_summary AS "isSummary", command,
    pg_catalog.to_jsonb(audits) -> 'along' AS along, pg_catalog.to_jsonb(audits) -> 'beyond' AS beyond, ticket, host,
    ${isoTime('written_at')} AS "writtenAt"
  FROM ${ledger}.audits`;

/** Which audits are meant; what is left out does not matter. */
export interface AuditFilter {
  /** Id of a migration, name of a task, or one of its runs as `name#number`. */
  readonly owner?: string | undefined;
  readonly ticket?: string | undefined;
  /** Path of one file, or the name of a change. */
  readonly file?: string | undefined;
}

/** Audits in the order in which they were written. */
export function listAudits(db: LedgerDb, { owner, ticket, file }: AuditFilter = {}): Promise<Audit[]> {
  return ours(
    db,
    `${auditsOf(ledgerOf(db))} WHERE ($1::text IS NULL OR owner = $1 OR owner LIKE pg_catalog.replace(pg_catalog.replace($1, '\\', '\\\\'), '_', '\\_') || '#%')
       AND ($2::text IS NULL OR ticket = $2) AND ($3::text IS NULL OR file = $3 OR name = $3) ORDER BY audits.number`,
    [owner ?? null, ticket ?? null, file ?? null],
  );
}

/**
 * The audit of a change that counts now: the first one since its owner was last undone, since a change that is taken up
 * again after a crash would no longer find what was there before it. For `change` and `post` the last one.
 */
export async function findAudit(db: LedgerDb, owner: string, name: string, kind: AuditKind): Promise<Audit | null> {
  const [found] = await ours<Audit>(
    db,
    `${auditsOf(ledgerOf(db))} WHERE owner = $1 AND name = $2 AND kind = $3 AND written_at > coalesce(
       (SELECT pg_catalog.max(finished_at) FROM ${ledgerOf(db)}.attempts WHERE migration = $1 AND direction = 'down' AND outcome = 'done'), '-infinity')
     ORDER BY audits.number ${kind === 'pre' ? '' : 'DESC'} LIMIT 1`,
    [owner, name, kind],
  );
  return found ?? null;
}

/** Says of a change what it has written that is in no audit. */
export async function recordBeyond(db: LedgerDb, number: string, beyond: readonly Written[]): Promise<void> {
  await db.query(`UPDATE ${ledgerOf(db)}.audits SET beyond = $2 WHERE number = $1`, [number, JSON.stringify(beyond)]);
}

/** Names of what foreign keys took along with a change, and the tables, in the order in which they are put back. */
export function alongOf(db: LedgerDb, change: Audit): Promise<{ name: string; table: string }[]> {
  return ours(
    db,
    `SELECT name, along ->> 'table' AS table FROM ${ledgerOf(db)}.audits WHERE owner = $1 AND run = $2 AND kind = 'pre' AND along ->> 'of' = $3 ORDER BY audits.number`,
    [change.owner, change.run, change.name],
  );
}

/** Whether a run has written an audit of that name already. */
export async function hasAudit(
  db: LedgerDb,
  { owner, run, name, kind }: Pick<Audit, 'owner' | 'run' | 'name' | 'kind'>,
): Promise<boolean> {
  const sql = `SELECT FROM ${ledgerOf(db)}.audits WHERE owner = $1 AND run = $2 AND name = $3 AND kind = $4`;
  return (await all(db, sql, [owner, run, name, kind])).length > 0;
}

/** How many audits of a run have names that a pattern fits. */
export async function countAuditsLike(
  db: LedgerDb,
  { owner, run, pattern }: Pick<Audit, 'owner' | 'run'> & { readonly pattern: string },
): Promise<number> {
  const sql = `SELECT FROM ${ledgerOf(db)}.audits WHERE owner = $1 AND run = $2 AND name ~ $3`;
  return (await all(db, sql, [owner, run, pattern])).length;
}

/** Whether a file is one of the ledger's audits. @param file relative to the project's folder. */
export async function isListedFile(db: LedgerDb, file: string): Promise<boolean> {
  const sql = `SELECT FROM ${ledgerOf(db)}.audits WHERE file = $1 AND store = 'files'`;
  return (await all(db, sql, [file])).length > 0;
}

/** Keeps a piece of an audit in the database; pieces count from 0. */
export async function storeChunk(db: LedgerDb, audit: string, number: number, bytes: Buffer): Promise<void> {
  await db.query(`INSERT INTO ${ledgerOf(db)}.audit_chunks (audit, number, bytes) VALUES ($1, $2, $3)`, [
    audit,
    number,
    bytes,
  ]);
}

/** A piece of an audit; undefined behind the last one. */
export async function readChunk(db: LedgerDb, audit: string, number: number): Promise<Buffer | undefined> {
  const sql = `SELECT bytes FROM ${ledgerOf(db)}.audit_chunks WHERE audit = $1 AND number = $2`;
  return (await all<{ bytes: Buffer }>(db, sql, [audit, number]))[0]?.bytes;
}

/** Whether the database has an audit's bytes. */
export async function hasChunks(db: LedgerDb, audit: string): Promise<boolean> {
  return (await all(db, `SELECT FROM ${ledgerOf(db)}.audit_chunks WHERE audit = $1 LIMIT 1`, [audit])).length > 0;
}

/** The key of redaction's digests: the database's own. */
export async function auditKey(db: LedgerDb): Promise<Buffer> {
  return (await one<{ key: Buffer }>(db, `SELECT audit_key AS key FROM ${ledgerOf(db)}.ledger`)).key;
}

/** Also from within statements of the application, under the search path of its role. */
function ours<R>(db: LedgerDb, sql: string, values: unknown[]): Promise<R[]> {
  return underQualifiedNames(db, () => all<R>(db, sql, values));
}
