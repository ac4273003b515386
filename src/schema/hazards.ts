import { blockedBy, type LockMode, type Observed } from './observe.ts';
import type { Statement } from './statement.ts';

/** What a statement may do to those who use the database meanwhile, or to what is in it. */
export interface Hazard {
  readonly statement: string;
  readonly kind: 'data_loss' | 'rewrite' | 'scan' | 'lock' | 'breaks_release' | 'fails';
  /** The strongest lock on the object, as PostgreSQL calls it; null where none was seen. */
  readonly lock: LockMode | null;
  /** Such as `public.users`. */
  readonly object: string;
  readonly message: string;
}

/** From a time without a zone to one with, or back. */
const TIME_ZONE = / ALTER COLUMN (?:"(?:[^"]|"")*"|\S+) TYPE timestamp (?:with|without) time zone\b/;
/** Rows that are there may stand in its way. */
const MAY_FAIL = / SET NOT NULL$| ADD CONSTRAINT | VALIDATE CONSTRAINT |^CREATE UNIQUE INDEX | ATTACH PARTITION /;

/** @param observed null where the statement was not tried, or did not run. @param failure why it did not. */
export function hazardsOf(statement: Statement, observed: Observed | null, failure: string | null): Hazard[] {
  const { sql, object, losesData } = statement;
  const of = (kind: Hazard['kind'], on: string, message: string): Hazard => ({
    statement: sql,
    kind,
    lock: observed?.locks.get(on) ?? null,
    object: on,
    message,
  });
  const hazards: Hazard[] = [];
  if (losesData) hazards.push(of('data_loss', object, `The values of ${object} are gone after it.`));
  if (/^ALTER TABLE .* RENAME COLUMN /s.test(sql)) {
    hazards.push(
      of(
        'breaks_release',
        object,
        'Whoever reads or writes the old name fails from then on: phase new rename-column renames it while both live.',
      ),
    );
  }
  if (failure !== null) hazards.push(of('fails', object, `It fails on a copy of the first schema: ${failure}`));
  if (TIME_ZONE.test(sql)) {
    const message =
      'The values are taken to be in the TimeZone of the session, which is UTC where phase runs it; in another one the table is written anew.';
    hazards.push(of('rewrite', object, message));
  }
  if (observed === null) return hazards;
  for (const table of observed.rewritten)
    hazards.push(
      of('rewrite', table, `${table} is written anew, row by row; nobody reads or writes it until that is done.`),
    );
  for (const table of observed.scanned) {
    if (observed.rewritten.includes(table)) continue;
    const blocked = blockedBy(observed.locks.get(table) ?? 'AccessShareLock');
    const meanwhile = blocked === null ? 'others go on meanwhile' : `${blocked} wait until that is done`;
    const fails = MAY_FAIL.test(sql) ? ' It fails where a row does not fit.' : '';
    hazards.push(of('scan', table, `Every row of ${table} is read; ${meanwhile}.${fails}`));
  }
  for (const [table, lock] of observed.locks) {
    const blocked = blockedBy(lock);
    if (blocked === null || observed.rewritten.includes(table) || observed.scanned.includes(table)) continue;
    hazards.push(
      of(
        'lock',
        table,
        `${lock} on ${table}: ${blocked} wait until its transaction ends, and it waits for those that are under way.`,
      ),
    );
  }
  return hazards;
}
