import { Readable } from 'node:stream';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type Connection, type Database, withConnection } from '../postgres/connection.ts';
import { copyIn } from '../postgres/copy.ts';
import { reasonOf } from '../postgres/errors.ts';

/** A schema, or a database with its rows, as SQL. */
export interface Dump {
  /** For messages. */
  readonly file: string;
  readonly sql: string;
}

/** Behind it are rows, up to a line of `\\.`. */
const COPY = /^COPY .* FROM stdin;$/i;
/** A command for psql alone, such as `\\restrict`. */
const PSQL = /^\\(?:restrict|unrestrict|connect)\b/;

/**
 * Loads what `phase dump` or pg_dump write as text, with rows or without, into an empty database: all of it or nothing.
 * @param andThen runs in the same transaction.
 * @throws PH1030
 */
export async function loadDump(
  database: Database,
  { file, sql }: Dump,
  andThen: (db: Connection) => Promise<void> = async () => undefined,
): Promise<void> {
  await withConnection({ ...database, applicationName: 'phase load' }, async (db) => {
    try {
      await db.query('BEGIN');
      // A dump of some schemas makes them all.
      if (/^CREATE SCHEMA public;$/m.test(sql)) await db.query('DROP SCHEMA public');
      // One that was written by hand may name no schemas.
      if (database.own.searchPath === null) await db.query('RESET search_path');
      for (const { script, rows } of partsOf(file, sql)) {
        if (rows === null) await db.query(script);
        else await copyIn(db, script, Readable.from([rows]));
      }
      // A dump says that its search path is empty.
      await db.query('RESET ALL');
      await andThen(db);
      await db.query('COMMIT');
    } catch (error) {
      await db.query('ROLLBACK').catch(() => undefined);
      if (error instanceof PhaseError) throw error;
      throw new PhaseError('PH1030', { file, reason: `PostgreSQL says: ${reasonOf(error)}.` }, { cause: error });
    }
  });
}

/** Statements, or a COPY with its rows. */
interface DumpPart {
  readonly script: string;
  readonly rows: string | null;
}

/** @throws PH1030 for rows that are cut off. */
function partsOf(file: string, sql: string): DumpPart[] {
  const parts: DumpPart[] = [];
  let script: string[] = [];
  const lines = sql.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!COPY.test(line)) {
      if (!PSQL.test(line)) script.push(line);
      continue;
    }
    const end = lines.indexOf('\\.', at);
    if (end === -1) throw new PhaseError('PH1030', { file, reason: `Its rows of ${line} have no end.` });
    parts.push({ script: script.join('\n'), rows: null });
    parts.push({
      script: line,
      rows: lines
        .slice(at + 1, end)
        .map((row) => `${row}\n`)
        .join(''),
    });
    script = [];
    at = end;
  }
  return [...parts, { script: script.join('\n'), rows: null }];
}
