import type { Knex } from 'knex';
import { nodesOf, treesOf } from '../../catalog/sql-trees.ts';
import { changesOf } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { OrderedMigration } from '../../domain/plan.ts';
import { settleNotes } from '../../gates/settle.ts';
import { runAsGiven } from '../../postgres/knex.ts';
import { withLockRetries } from '../../postgres/retry.ts';
import type { Session } from '../session.ts';
import { coverChildren } from './children.ts';
import { dropLonelyTwins } from './dropped.ts';
import type { RanStep } from './pair.ts';
import { sayCovered, sayDropped, sayFollowed } from './say.ts';
import { adoptPairs, settlePairs } from './settle.ts';

type WatchedStep = RanStep & Pick<OrderedMigration, 'id'>;

/**
 * The columns of renames that are under way, after a migration, or a statement of one, that may have altered them; in its transaction.
 * @param isEnd whether the migration has ended: what a statement drops, one after it may make anew.
 * @throws PH2018
 */
export async function settle(
  { history, options }: Session,
  trx: Knex.Transaction,
  ran: WatchedStep,
  isEnd = true,
): Promise<void> {
  if (hasNoChanges(history)) return;
  const followed = await settlePairs(trx, changesOf(history), ran).catch((error) => {
    throw ofMigration(error, ran);
  });
  for (const change of followed) {
    options.observer?.followed?.(ran.id, change);
    options.onEvent({ type: 'notice', message: sayFollowed(change) });
  }
  for (const child of await coverChildren(trx, changesOf(history)))
    options.onEvent({ type: 'notice', message: sayCovered(child) });
  if (!isEnd) return;
  for (const twin of await dropLonelyTwins(trx, history.renames, ran))
    options.onEvent({ type: 'notice', message: sayDropped(twin) });
}

const hasNoChanges = ({ renames, mappings, moves }: Session['history']): boolean =>
  renames.size + mappings.size + moves.size === 0;

/** A release that is cut never changes: what is refused in a migration of it has to have a way on. */
function ofMigration(error: unknown, { id, direction }: WatchedStep): unknown {
  if (!(error instanceof PhaseError) || error.code !== 'PH2018' || direction === 'down') return error;
  const refused = error as PhaseError<'PH2018'>;
  return new PhaseError('PH2018', { ...refused.details, migration: id }, { cause: error });
}

/** Statements that can alter the columns of a rename, and that PostgreSQL runs in a transaction as well. */
const ALTERING = ['AlterTableStmt', 'AlterDomainStmt', 'CreateFunctionStmt'];

/**
 * Runs a statement of a migration outside a transaction that may alter columns: in a transaction of its own, in which they are followed, so that no living
 * release writes in between.
 * @returns false where it is another statement, which was not run.
 */
export async function runFollowed(session: Session, ran: WatchedStep, statement: string): Promise<boolean> {
  const trees = await treesOf(statement).catch(() => []);
  const isAltering = trees.length > 0 && trees.every((tree) => ALTERING.some((kind) => kind in tree));
  // DETACH PARTITION CONCURRENTLY
  if (!isAltering || nodesOf(trees, 'PartitionCmd').some(({ concurrent }) => concurrent === true)) return false;
  await inOneTransaction(session, ran.id, async (trx) => {
    await runAsGiven(trx, statement);
    await settle(session, trx, ran, false);
  });
  return true;
}

/** The same after one that ran outside a transaction. */
export async function settleOutside(session: Session, ran: WatchedStep, isEnd: boolean): Promise<void> {
  if (hasNoChanges(session.history)) return;
  await inOneTransaction(session, ran.id, (trx) => settle(session, trx, ran, isEnd));
}

/** What was done by hand since the last run, before anything runs. @throws PH2018 */
export async function settleByHand(session: Session): Promise<void> {
  const { history, options } = session;
  if (hasNoChanges(history)) return;
  const notices = await inOneTransaction(session, 'What was altered by hand', async (trx): Promise<string[]> => {
    await adoptPairs(trx, changesOf(history));
    const followed = await settlePairs(trx, changesOf(history), null);
    const dropped = await dropLonelyTwins(trx, history.renames, null);
    const covered = await coverChildren(trx, changesOf(history));
    return [...followed.map(sayFollowed), ...dropped.map(sayDropped), ...covered.map(sayCovered)];
  });
  for (const notice of notices) options.onEvent({ type: 'notice', message: notice });
  // Only of tables that are what they were.
  for (const move of history.moves.values()) await settleNotes(session.worker, move);
}

/**
 * The same before steps are undone. What cannot be followed does not stop that, since it may be the way on; the pairs are in any case
 * those that are under way by the ledger.
 */
export async function settleBeforeUndoing(session: Session): Promise<void> {
  try {
    await settleByHand(session);
  } catch (error) {
    if (!(error instanceof PhaseError) || error.code !== 'PH2018') throw error;
    session.options.onEvent({ type: 'notice', message: error.message });
    await inOneTransaction(session, 'Reading the ledger', (trx) => adoptPairs(trx, changesOf(session.history)));
  }
}

function inOneTransaction<T>(
  { knex, options }: Session,
  what: string,
  body: (trx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  const { lockTimeout, lockAttempts } = options.project.config;
  const patience = { lockTimeoutMs: lockTimeout, attempts: lockAttempts };
  return withLockRetries(what, patience, { blockers: () => [] }, () => knex.transaction(body));
}
