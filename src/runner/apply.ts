import type { Knex } from 'knex';
import type { Work } from '../data/work.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { asPairs, type Mapping } from '../domain/mapping.ts';
import { asTargetPair, type Move } from '../domain/move.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { partsOf } from '../domain/rename.ts';
import { checkMappingPreflight, ensureMappingWayBack } from '../gates/mapping.ts';
import { checkMovePreflight, ensureMoveWayBack } from '../gates/move.ts';
import { checkPreflight } from '../gates/preflight.ts';
import { ensureNothingOfItsOwn, ensureWayBack } from '../gates/undoing.ts';
import { beginAttempt } from '../ledger/attempts.ts';
import { markedTransaction } from '../ledger/marked.ts';
import { recordMigration, recordWithin, removeMigration } from '../ledger/migrations.ts';
import { asScaffolded } from '../operations/context.ts';
import { BlockerWatch } from '../postgres/blockers.ts';
import { codeOf, isConnectionLost, reasonOf, sqlState } from '../postgres/errors.ts';
import { runAsGiven } from '../postgres/knex.ts';
import { isOutcomeUnknown } from '../postgres/outcome.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { withLockRetries } from '../postgres/retry.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import type { LoadedMigration } from '../project/migrations.ts';
import { guardedTransaction } from './guarded-transaction.ts';
import { workFor } from './migration-context.ts';
import { returnAside } from './pairs/carry-over.ts';
import { heldBySync } from './pairs/held-by-sync.ts';
import { followObjects, knownObjects, returnIndexes } from './pairs/objects.ts';
import { runFollowed, settle, settleOutside } from './pairs/watch.ts';
import { passGate } from './pass-gate.ts';
import type { Session } from './session.ts';

/** A migration in its place in the order, with its code. */
export interface RunnableMigration {
  readonly entry: OrderedMigration;
  readonly loaded: LoadedMigration;
}

type Direction = 'up' | 'down';

/**
 * Runs one migration and enters it in the ledger; a gate before it first.
 * @throws what the migration throws as PH5005, PH4002 when it never got its locks, the gate's refusal.
 */
export async function applyMigration(opened: Session, migration: RunnableMigration): Promise<void> {
  const session = sessionFor(opened, migration);
  await attempt(session, migration, 'up', async (number) => {
    await passGate(session, migration.entry);
    const objects = await knownObjects(session);
    if (migration.loaded.transaction) await runInTransaction(session, migration, 'up', number);
    else await runOutside(session, migration);
    await followObjects(session, objects, migration.entry.rename);
    return migration.loaded.transaction;
  });
}

function sessionFor(session: Session, { entry }: RunnableMigration): Session {
  return entry.rename === undefined ? session : { ...session, knex: asScaffolded(session.knex) };
}

/** Undoes one migration and takes it out of the ledger. @throws PH2012 when it has no way back. */
export async function revertMigration(opened: Session, migration: RunnableMigration): Promise<void> {
  const session = sessionFor(opened, migration);
  ensureReversible(migration);
  await attempt(session, migration, 'down', async (number) => {
    await checkBeforeRevert(session, migration.entry);
    if (migration.loaded.downTransaction) {
      await runInTransaction(session, migration, 'down', number);
    } else {
      await withWork(session, migration, 'down', async (workOn) => {
        await runBodyOutside(session, migration, 'down', workOn(session.knex));
        if (migration.entry.step === 'contract') await returnIndexes(session, migration.entry.rename);
        await removeMigration(session.worker, migration.entry.id);
      });
    }
    return false;
  });
}

/** The old column is filled again when the last step is undone, as the new one was by the backfill. */
async function checkBeforeRevert(session: Session, { id, rename: name, step }: OrderedMigration): Promise<void> {
  const mapping = session.history.mappings.get(name ?? '');
  if (mapping !== undefined) return checkMappingRevert(session, mapping, id, step);
  const move = session.history.moves.get(name ?? '');
  if (move !== undefined) return checkMoveRevert(session, move, id, step);
  const renames = partsOf(session.history.renames.values(), name);
  for (const rename of renames) {
    if (step === 'contract') await checkPreflight(session.worker, rename, 'backfill');
    if (step === 'contract' || step === 'switch') await ensureWayBack(session.worker, rename, id, step);
    if (step === 'switch') await returnAside(session, rename);
  }
  if (step === 'expand') await ensureNothingOfItsOwn(session.worker, renames, id, 'now');
}

async function checkMoveRevert(
  { worker }: Session,
  move: Move,
  id: string,
  step: OrderedMigration['step'],
): Promise<void> {
  if (step === 'contract') await checkMovePreflight(worker, move, 'constrain');
  if (step !== undefined) await ensureMoveWayBack(worker, move, id, step);
  if (step === 'expand') await ensureNothingOfItsOwn(worker, [asTargetPair(move)], id, 'now');
}

async function checkMappingRevert(
  { worker }: Session,
  mapping: Mapping,
  id: string,
  step: OrderedMigration['step'],
): Promise<void> {
  if (step === 'contract') await checkMappingPreflight(worker, mapping, 'backfill');
  if (step !== undefined) await ensureMappingWayBack(worker, mapping, id, step);
  if (step === 'expand') await ensureNothingOfItsOwn(worker, asPairs(mapping), id, 'now');
}

/** @throws PH2012 */
export function ensureReversible({ entry, loaded }: RunnableMigration): void {
  const down = loaded.form === 'sql' ? loaded.sql.down : loaded.down;
  if (down === null) throw new PhaseError('PH2012', { id: entry.id });
}

/**
 * One entry of the history around a try, and errors that name the migration.
 * @param body gets the entry's number, and says whether it has ended it with what it committed.
 */
async function attempt(
  session: Session,
  { entry, loaded }: RunnableMigration,
  direction: Direction,
  body: (number: string) => Promise<boolean>,
): Promise<void> {
  const { lock } = session;
  const { number, end } = await lock.withHeld((client) => beginAttempt(client, entry.id, direction, lock.run));
  try {
    if (!(await body(number))) await end().catch(() => undefined);
  } catch (error) {
    const held = direction === 'up' ? heldBySync(error, session.history, entry.id) : null;
    const known = held ?? asMigrationError(error, entry.id, loaded, direction);
    // What is not known the next run finds out.
    if (!isOutcomeUnknown(known)) {
      await end({ code: known.code, message: known.message }).catch(() => undefined);
    }
    throw known;
  }
}

function asMigrationError(error: unknown, id: string, loaded: LoadedMigration, direction: Direction): PhaseError {
  if (error instanceof PhaseError) return error;
  if (isConnectionLost(error)) return new PhaseError('PH5004', { during: id }, { cause: error });
  const transaction = direction === 'up' ? loaded.transaction : loaded.downTransaction;
  return new PhaseError('PH5005', { id, file: loaded.path, reason: reasonOf(error), transaction }, { cause: error });
}

/** The migration and its ledger row commit together; the whole is tried again when it does not get its locks. */
async function runInTransaction(
  session: Session,
  migration: RunnableMigration,
  direction: Direction,
  number: string,
): Promise<void> {
  const { entry, loaded } = migration;
  let stalls = 0;
  const attempt = (watch: BlockerWatch): Promise<void> =>
    withWork(session, migration, direction, (workOn) => {
      const began = performance.now();
      return guardedTransaction(
        session,
        { entry, isolation: loaded.isolation, watch, stalls },
        {
          body: async (trx) => {
            await runBody(migration, direction, trx, workOn(trx));
            await settle(session, trx, { ...entry, direction });
          },
          record: (db, mark) =>
            direction === 'up'
              ? recordWithin(db, entry, performance.now() - began, { mark, attempt: number })
              : removeWithin(db, entry.id, mark),
        },
      ).catch((error) => {
        if (codeOf(error) === sqlState.idleInTransaction) stalls++;
        throw error;
      });
    });
  await retrying(session, entry.id, attempt, session.options.project.config.lockAttempts);
}

/** @returns the number of the transaction; null where it is another one than that of the mark. */
async function removeWithin(db: LedgerDb, id: string, mark: string): Promise<string | null> {
  const number = await markedTransaction(db, mark);
  if (number !== null) await underQualifiedNames(db, () => removeMigration(db, id));
  return number;
}

/** A row `started` first, since nothing else would tell that it ran and died. */
async function runOutside(session: Session, migration: RunnableMigration): Promise<void> {
  const { entry, loaded } = migration;
  const began = performance.now();
  await recordMigration(session.lock.client, entry, 'started', 0);
  const attempts = loaded.safeToRepeat ? session.options.project.config.lockAttempts : 1;
  const attempt = (): Promise<void> =>
    withWork(session, migration, 'up', (workOn) => runBodyOutside(session, migration, 'up', workOn(session.knex)));
  await retrying(session, entry.id, attempt, attempts);
  await session.lock.ensureHeld();
  await recordMigration(session.lock.client, entry, 'applied', performance.now() - began);
}

/** One try, after which the work on data is concluded: audits get their names, or go. */
async function withWork(
  session: Session,
  { entry, loaded }: RunnableMigration,
  direction: Direction,
  body: (workOn: (knex: Knex) => Work) => Promise<void>,
): Promise<void> {
  const begun: Work[] = [];
  try {
    await body((knex) => {
      const work = workFor(session, entry, direction, { knex, ticket: loaded.ticket });
      begun.push(work);
      return work;
    });
  } catch (error) {
    const { code, message } = asMigrationError(error, entry.id, loaded, direction);
    for (const work of begun) await work.failed({ code, message });
    throw error;
  }
  for (const work of begun) await work.succeeded();
}

async function retrying(
  session: Session,
  id: string,
  body: (watch: BlockerWatch) => Promise<void>,
  attempts: number,
): Promise<void> {
  const { config } = session.options.project;
  const watch = new BlockerWatch(session.worker, Math.max(20, config.lockTimeout / 4));
  const hooks = {
    blockers: () => watch.last,
    onRetry: (attempt: number, pauseMs: number, blockers: readonly string[]) =>
      session.options.onEvent({ type: 'lockRetry', id, attempt, pauseMs, blockers }),
  };
  try {
    await withLockRetries(id, { lockTimeoutMs: config.lockTimeout, attempts }, hooks, () => body(watch));
  } finally {
    watch.stop();
  }
}

/** What each statement has altered takes effect at once, also where a later one fails: columns are followed as soon as they can be. */
async function runBodyOutside(
  session: Session,
  migration: RunnableMigration,
  direction: Direction,
  work: Work,
): Promise<void> {
  const ran = { ...migration.entry, direction };
  const settled = (isEnd: boolean) => settleOutside(session, ran, isEnd);
  try {
    await runBody(migration, direction, session.knex, work, async (statement) => {
      if (await runFollowed(session, ran, statement)) return;
      await runAsGiven(session.knex, statement);
      await settled(false);
    });
  } catch (error) {
    // What cannot be followed the next command says, before anything runs.
    await settled(false).catch(() => undefined);
    throw error;
  }
  await settled(true);
}

/** @param run runs a statement of a migration in SQL. */
async function runBody(
  { loaded }: RunnableMigration,
  direction: Direction,
  knex: Knex,
  work: Work,
  run: (statement: string) => Promise<unknown> = (statement) => runAsGiven(knex, statement),
): Promise<void> {
  if (loaded.form === 'sql') {
    for (const statement of loaded.sql[direction] ?? []) await run(statement);
    return;
  }
  await loaded[direction]?.(knex, work.context as never);
  await work.ensureEnded();
}
