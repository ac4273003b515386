import { Readable } from 'node:stream';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA, holdsLedger } from '../domain/ledger-schema.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import type { Renames } from '../planner/passing.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { copyIn } from '../postgres/copy.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

export interface Dump {
  /** For messages. */
  readonly file: string;
  readonly sql: string;
  readonly renames: Renames;
}

/** Behind it are rows, up to a line of `\\.`. */
const COPY = /^COPY .* FROM stdin;$/i;
/** A command for psql alone, such as `\\restrict`. */
const PSQL = /^\\(?:restrict|unrestrict|connect)\b/;

/**
 * Loads what pg_dump writes as text, with rows or without, into an empty database.
 * @throws PH1030
 */
export async function loadDump(url: string, { file, sql, renames }: Dump): Promise<void> {
  await withConnection({ ...plainDatabase(url), applicationName: 'phase testing' }, async (db) => {
    try {
      // A dump of some schemas makes them all.
      if (/^CREATE SCHEMA public;$/m.test(sql)) await db.query('DROP SCHEMA public');
      // One that was written by hand may name no schemas.
      await db.query('RESET search_path');
      for (const { script, rows } of partsOf(file, sql)) {
        if (rows === null) await db.query(script);
        else await copyIn(db, script, Readable.from([rows]));
      }
      // A dump says that its search path is empty.
      await db.query('RESET ALL');
      await replaceLedger(db, renames);
    } catch (error) {
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

/** The tables of a ledger that was dumped are empty; a sync needs what it counts with, which may have been left out. */
async function replaceLedger(db: Queryable, renames: Renames): Promise<void> {
  const tables = await all<{ name: string }>(
    db,
    `SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND ${holdsLedger('n.oid')}`,
  );
  for (const { name } of tables) await db.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
  for (const { sync } of renames.values()) {
    const { schema = DEFAULT_LEDGER_SCHEMA } = sync.stragglers;
    await db.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)}`);
    for (const statement of stragglerCounter(sync.stragglers).create) await db.query(statement);
  }
}
