import type { UnsupportedObject } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent } from '../domain/identifier.ts';
import { converted, type Retype } from '../domain/rename.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { withEventTriggers } from '../postgres/session.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import type { Scratch } from './scratch.ts';

/** Nobody writes a copy: what is computed there would only be in the way. */
export const WITHOUT_GENERATED = ' EXCLUDING GENERATED';

/**
 * Gives the column of a copy the new type, so that PostgreSQL rewrites what is on it.
 * @returns what does not fit to the type, with PostgreSQL's reason; the copy is of no use then.
 */
export async function retypeInScratch(
  db: Queryable,
  scratch: Scratch,
  {
    table,
    column,
    retype,
  }: { readonly table: QualifiedName & { readonly oid: number }; readonly column: string; readonly retype: Retype },
): Promise<UnsupportedObject[]> {
  const name = quoteIdent(column);
  const alter = `ALTER TABLE ${scratch.name} ALTER COLUMN ${name}`;
  const change = async (): Promise<void> => {
    await run(db, `${alter} DROP DEFAULT`);
    await run(db, `${alter} TYPE ${retype.type} USING ${converted(retype.forward, name)}`);
  };
  await run(db, `${alter} DROP IDENTITY IF EXISTS`);
  const failed = await inSavepoint(db, change).then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
  if (failed === null) return [];
  const misfits = await misfitsOf(db, scratch, { table, change });
  return misfits.length > 0 ? misfits : [unfit(`type ${retype.type}`, failed)];
}

const unfit = (object: string, reason: string): UnsupportedObject => ({
  object,
  reason: `it does not fit to the new type (${reason})`,
  instead: 'Drop it in an earlier release, and make one that fits after phase 3.',
});

interface Part {
  readonly object: string;
  readonly drop: string;
}

/** One at a time, with the others gone. */
async function misfitsOf(
  db: Queryable,
  scratch: Scratch,
  { table, change }: { readonly table: QualifiedName & { readonly oid: number }; readonly change: () => Promise<void> },
): Promise<UnsupportedObject[]> {
  const parts = await partsOf(db, scratch, table);
  const misfits: UnsupportedObject[] = [];
  for (const part of parts) {
    const reason = await inSavepoint(db, async () => {
      for (const other of parts) if (other !== part) await run(db, other.drop);
      const found = await inSavepoint(db, change).then(
        () => null,
        (error: unknown) => reasonOf(error),
      );
      throw new Undone(found);
    }).catch((error: unknown) => {
      if (error instanceof Undone) return error.reason;
      throw error;
    });
    if (reason !== null) misfits.push(unfit(part.object, reason));
  }
  return misfits;
}

/** What was tried is taken back in any case. */
class Undone extends Error {
  readonly reason: string | null;

  constructor(reason: string | null) {
    super('undone');
    this.reason = reason;
  }
}

/** Indexes, and constraints, of a copy, by the names that the table has for them. */
async function partsOf(db: Queryable, scratch: Scratch, { oid }: { readonly oid: number }): Promise<Part[]> {
  const originals = await all<{ name: string }>(
    db,
    'SELECT x.relname AS name FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = $1::oid AND i.indislive ORDER BY x.oid',
    [oid],
  );
  const rows = await all<{ name: string; constraint: string | null; kind: string }>(
    db,
    `SELECT x.relname AS name, co.conname AS constraint, 'index' AS kind FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
       LEFT JOIN pg_constraint co ON co.conindid = x.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u', 'x') WHERE i.indrelid = $1::oid
     UNION ALL SELECT conname, conname, 'constraint' FROM pg_constraint WHERE conrelid = $1::oid AND contype = 'c'`,
    [scratch.oid],
  );
  return rows.map(({ name, constraint, kind }) => {
    const original = kind === 'index' ? (originals[scratch.indexes.indexOf(name)]?.name ?? name) : name;
    return {
      object: `${kind} ${quoteIdent(original)}`,
      drop:
        constraint === null
          ? `DROP INDEX pg_temp.${quoteIdent(name)}`
          : `ALTER TABLE ${scratch.name} DROP CONSTRAINT ${quoteIdent(constraint)}`,
    };
  });
}

const run = (db: Queryable, statement: string): Promise<unknown> => withEventTriggers(db, () => db.query(statement));
