import { findTable } from '../../catalog/find-table.ts';
import { locate } from '../../catalog/hanging.ts';
import { readTableFacts } from '../../catalog/table-facts.ts';
import type { ConstraintFacts, IndexFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, type Rename, type TwinnedObject } from '../../domain/rename.ts';
import { type ConstraintOptions, replaceConstraint } from '../../operations/constraints.ts';
import { type IndexOptions, replaceIndex } from '../../operations/indexes.ts';
import { Parts } from '../../planner/rename/parts/parts.ts';
import { isConnectionLost, reasonOf } from '../../postgres/errors.ts';
import type { Session } from '../session.ts';

/** An object of the old column that was made anew under its name, and its twin, which is what it was. */
interface Stale<T> {
  readonly now: T;
  readonly twin: string;
}

/**
 * Checks and indexes that were made anew under their names: a check that allows more now would else be what it was on the new column, and after phase 3 on
 * the table. Their twins are made anew, too. Outside of transactions. What cannot be compared or made is said, and stops nothing: the role may not be allowed
 * to make temporary tables.
 */
export async function renewTwins(session: Session, rename: Rename): Promise<void> {
  const { table, from, to } = await locate(session.worker, rename.table, rename.from, rename.to);
  if (table === null || from === null || to === null) return;
  try {
    await renewAll(session, rename);
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    session.options.reporter.notice(
      `${rename.name}: whether checks and indexes of ${rename.from} were made anew, and their counterparts on ${rename.to} with them, is not known: ${reasonOf(error)}`,
    );
  }
}

async function renewAll({ worker, knex, options }: Session, rename: Rename): Promise<void> {
  const table = await findTable(worker, quoteQualified(rename.table));
  const facts = await readTableFacts(worker, table, rename);
  const twins = await readTableFacts(worker, table, { from: rename.to, to: rename.from });
  const part = new Parts(facts, rename);
  const say = (kind: string, { now, twin }: Stale<{ readonly name: string }>): void =>
    options.reporter.notice(
      `${rename.name}: the ${kind} ${now.name} was made anew, and so is its counterpart ${twin} on ${rename.to}.`,
    );
  for (const stale of staleOf(rename, 'check', facts.checks, twins.checks)) {
    const { now, twin } = stale;
    await replaceConstraint(knex, part.constraint(now, twin, now.definition) as ConstraintOptions);
    say('check', stale);
  }
  for (const stale of staleOf(rename, 'index', facts.indexes, twins.indexes)) {
    const code = part.createIndex(stale.now, stale.twin, stale.now.definition, stale.now.name);
    if (code.kind === 'call') await replaceIndex(knex, code.args[0] as unknown as IndexOptions);
    say('index', stale);
  }
}

function staleOf<T extends ConstraintFacts | IndexFacts>(
  rename: Rename,
  kind: TwinnedObject['kind'],
  originals: readonly T[],
  twins: readonly T[],
): Stale<T>[] {
  const home = quoteQualified(rename.table);
  const isAt = ({ name, on }: T, wanted: string, { on: place = home }: TwinnedObject): boolean =>
    name === wanted && quoteQualified(on) === place;
  const objects = [...rename.carried, ...rename.refreshed].filter(isTwinned).filter((object) => object.kind === kind);
  return objects.flatMap((object) => {
    const now = originals.find((one) => isAt(one, object.name, object));
    const twin = twins.find((one) => isAt(one, object.twin, object));
    if (now === undefined || twin === undefined || isSame(now, twin)) return [];
    return [{ now, twin: object.twin }];
  });
}

/** An original, rewritten for the new column, and a twin as it is. */
function isSame(original: ConstraintFacts | IndexFacts, twin: ConstraintFacts | IndexFacts): boolean {
  const isUnique = (one: object): boolean => 'unique' in one && one.unique === true;
  return original.definition === twin.original && isUnique(original) === isUnique(twin);
}
