import { PhaseError } from '../domain/errors/phase-error.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { withEventTriggers } from '../postgres/session.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { ledgerOf } from './connection.ts';
import { toFormat1 } from './formats/format-1.ts';
import { toFormat2 } from './formats/format-2.ts';
import { toFormat3 } from './formats/format-3.ts';
import { toFormat4 } from './formats/format-4.ts';
import { toFormat5 } from './formats/format-5.ts';
import { toFormat6 } from './formats/format-6.ts';
import { toFormat7 } from './formats/format-7.ts';
import { toFormat8 } from './formats/format-8.ts';
import { ensureTrustedSchema } from './owner.ts';

/** Each step takes the ledger from one format to the next; its place in the list is the format that it leads to. */
const FORMATS: readonly ((ledger: string) => string)[] = [
  toFormat1,
  toFormat2,
  toFormat3,
  toFormat4,
  toFormat5,
  toFormat6,
  toFormat7,
  toFormat8,
];

export const LEDGER_FORMAT = FORMATS.length;

/** The oldest whose tables are read as they are now; what later ones add is read where it is there. */
export const READABLE_FORMAT = 7;

const TABLES_OF_THE_APPLICATION = `
  SELECT EXISTS (
    SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT ${holdsLedger('n.oid')} AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ) AS served`;

/** The format of the ledger, 0 when there is none. @throws PH3025 when its schema is somebody else's. */
export async function ledgerFormat(db: LedgerDb): Promise<number> {
  await ensureTrustedSchema(db);
  const table = `${ledgerOf(db)}.ledger`;
  const { present } = await one<{ present: boolean }>(db, 'SELECT pg_catalog.to_regclass($1) IS NOT NULL AS present', [
    table,
  ]);
  if (!present) return 0;
  const [row] = await all<{ format: number }>(db, `SELECT format FROM ${table}`);
  return row?.format ?? 0;
}

/** The statements that bring a ledger up to date, each a script. */
export function ledgerScripts(db: Pick<LedgerDb, 'ledgerSchema'>, from: number): readonly string[] {
  return FORMATS.slice(from).map((script) => script(ledgerOf(db)));
}

/**
 * Creates the ledger or brings it up to date. Only under the runner's lock.
 * @throws PH3013 when a newer tool wrote it, PH3023 when the schema is somebody else's.
 */
export async function ensureLedger(db: LedgerDb): Promise<void> {
  const format = await ledgerFormat(db);
  ensureKnownFormat(format);
  if (format === LEDGER_FORMAT) return;
  if (format === 0) await ensureSchemaFree(db);
  const record = recordFormat(db, format, await servedBefore(db));
  const script = [...ledgerScripts(db, format), record].join('\n');
  await inTransaction(db, () => withEventTriggers(db, () => db.query(script)));
}

/** A schema of that name may be there, granted beforehand to whoever migrates; what is in it would be somebody else's. @throws PH3023 */
async function ensureSchemaFree(db: LedgerDb): Promise<void> {
  const found = await all<{ name: string }>(
    db,
    `SELECT relname AS name FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.to_regnamespace($1)::oid AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
     ORDER BY 1`,
    [ledgerOf(db)],
  );
  if (found.length > 0)
    throw new PhaseError('PH3023', { schema: db.ledgerSchema, objects: found.map(({ name }) => name) });
}

/** @throws PH3013 */
export function ensureKnownFormat(format: number): void {
  if (format > LEDGER_FORMAT) throw new PhaseError('PH3013', { ledger: format, tool: LEDGER_FORMAT });
}

/** Whether something older than every manifest may be running: asked once, before the first step. */
export async function servedBefore(db: Queryable): Promise<boolean> {
  return (await one<{ served: boolean }>(db, TABLES_OF_THE_APPLICATION)).served;
}

export function recordFormat(db: Pick<LedgerDb, 'ledgerSchema'>, from: number, served: boolean): string {
  return from === 0
    ? `INSERT INTO ${ledgerOf(db)}.ledger (format, served_before) VALUES (${LEDGER_FORMAT}, ${served});`
    : `UPDATE ${ledgerOf(db)}.ledger SET format = ${LEDGER_FORMAT};`;
}
