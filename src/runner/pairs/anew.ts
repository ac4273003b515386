import { findTable } from '../../catalog/find-table.ts';
import { locate } from '../../catalog/hanging.ts';
import { readTableFacts } from '../../catalog/table-facts.ts';
import type { ConstraintFacts, IndexFacts, TableFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, type Rename, type TwinnedObject } from '../../domain/rename.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { replaceConstraint } from '../../operations/constraints.ts';
import { replaceIndex } from '../../operations/indexes.ts';
import { Parts } from '../../planner/rename/parts/parts.ts';
import { isConnectionLost, reasonOf } from '../../postgres/errors.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import type { Session } from '../session.ts';
import { droppedKey } from './dropped.ts';
import { madeAnew, namesOf, rebuildTwins } from './rebuild.ts';

/** An index or a check of the old column that a migration has made. */
export interface MadeObject {
  readonly oid: number;
  readonly kind: 'index' | 'check';
  readonly name: string;
}

/** An object of the old column that was made anew under its name, and its twin, which is what it was or was dropped with it. */
interface Stale<T> {
  readonly now: T;
  readonly twin: string;
}

interface StaleTwins {
  readonly part: Parts;
  /** Keys, constraints and statistics; looked for at gates alone. */
  readonly others: TableFacts | null;
  readonly checks: readonly Stale<ConstraintFacts>[];
  readonly indexes: readonly Stale<IndexFacts>[];
}

/**
 * Checks and indexes that were made anew under their names: a check that allows more now would else be what it was on the new column, and after phase 3 on
 * the table. Their twins are made anew, too. Outside of transactions. What cannot be compared is said, and stops nothing: the role may not be allowed to make
 * temporary tables.
 * @param made what a migration has just made: its twin may have been dropped with what it replaces. At a gate somebody may have made something by hand.
 * @throws what making them meets.
 */
export async function renewTwins(
  session: Session,
  rename: Rename,
  made: readonly MadeObject[] | 'by hand' = [],
): Promise<void> {
  const { knex, options, worker } = session;
  const { table, from, to } = await locate(worker, rename.table, rename.from, rename.to);
  if (table === null || from === null || to === null) return;
  const stale = await findStale(worker, rename, made).catch((error) => {
    if (isConnectionLost(error)) throw error;
    options.reporter.notice(
      `${rename.name}: whether indexes, constraints and statistics of ${rename.from} were made anew, and their counterparts on ${rename.to} with them, is not known: ${reasonOf(error)}`,
    );
  });
  if (stale === undefined) return;
  const { part, others, checks, indexes } = stale;
  const say = (kind: string, { now, twin }: Stale<{ readonly name: string }>): void =>
    options.reporter.notice(
      `${rename.name}: the ${kind} ${now.name} was made anew, and so is its counterpart ${twin} on ${rename.to}.`,
    );
  for (const one of checks) {
    await replaceConstraint(knex, part.constraint(one.now, one.twin, one.now.definition));
    say('check', one);
  }
  for (const one of indexes) {
    await replaceIndex(knex, part.index(one.now, one.twin, one.now.definition, one.now.name));
    say('index', one);
  }
  if (others === null || namesOf(others).length === 0) return;
  await rebuildTwins(knex, others, rename);
  options.reporter.notice(
    `${rename.name}: ${namesOf(others).join(', ')}: made anew as something else, and so are the counterparts on ${rename.to}.`,
  );
}

async function findStale(db: LedgerDb, rename: Rename, made: readonly MadeObject[] | 'by hand'): Promise<StaleTwins> {
  const table = await findTable(db, quoteQualified(rename.table));
  const facts = await readTableFacts(db, table, rename);
  const twins = await readTableFacts(db, table, { from: rename.to, to: rename.from });
  const reviewed = (await readPairs(db)).find((record) => record.rename === rename.name)?.reviewed ?? {};
  const isGone = (object: TwinnedObject): boolean =>
    reviewed[droppedKey({ ...object, on: object.on ?? quoteQualified(rename.table) })] !== undefined;
  const byHand = made === 'by hand';
  // Somebody else may have dropped the twin alone, which the gate refuses.
  const isMade = (object: TwinnedObject): boolean =>
    isGone(object) || (!byHand && made.some(({ kind, name }) => kind === object.kind && name === object.name));
  return {
    part: new Parts(facts, rename),
    others: byHand ? madeAnew(rename, { originals: facts, twins }, isGone) : null,
    checks: staleOf(objectsOf(rename, 'check'), facts.checks, twins.checks, isMade),
    indexes: staleOf(objectsOf(rename, 'index'), facts.indexes, twins.indexes, isMade),
  };
}

function objectsOf({ table, carried, refreshed }: Rename, kind: MadeObject['kind']): TwinnedObject[] {
  const home = quoteQualified(table);
  return [...carried, ...refreshed]
    .filter(isTwinned)
    .filter((object) => object.kind === kind)
    .map((object) => ({ ...object, on: object.on ?? home }));
}

function staleOf<T extends ConstraintFacts | IndexFacts>(
  objects: readonly TwinnedObject[],
  originals: readonly T[],
  twins: readonly T[],
  isMade: (object: TwinnedObject) => boolean,
): Stale<T>[] {
  return objects.flatMap((object) => {
    const { name, twin, on } = object;
    const find = (among: readonly T[], wanted: string): T | undefined =>
      among.find((one) => one.name === wanted && quoteQualified(one.on) === on);
    const [now, before] = [find(originals, name), find(twins, twin)];
    if (now === undefined || (before === undefined ? !isMade(object) : isSame(now, before))) return [];
    return [{ now, twin }];
  });
}

/** An original, rewritten for the new column, and a twin as it is. */
function isSame(original: ConstraintFacts | IndexFacts, twin: ConstraintFacts | IndexFacts): boolean {
  if (original.definition !== twin.original) return false;
  if ('unique' in original || 'unique' in twin)
    return 'unique' in original && 'unique' in twin && original.unique === twin.unique;
  // An earlier try to make it anew may have met rows that violate it.
  return original.enforced === twin.enforced && (twin.validated || !original.validated);
}
