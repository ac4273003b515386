import type { Knex } from 'knex';
import { type Change, type Changes, isMapping, isMove, isRename } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { partsOf, syncedWith, wholeOf } from '../../domain/rename.ts';
import { renamesUnderWay } from '../../ledger/migrations.ts';
import { forgetPair, readPairs } from '../../ledger/pairs.ts';
import { dropStragglers } from '../../operations/stragglers.ts';
import { isConnectionLost, isRetryable, reasonOf } from '../../postgres/errors.ts';
import { connectionOf } from '../../postgres/knex.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import { MappedColumns } from './mapped-columns.ts';
import { MovedColumn } from './moved-column.ts';
import { type FollowedChange, Pair, type RanStep } from './pair.ts';
import { RetypedPair } from './retyped-pair.ts';

/**
 * Sees to the columns of all renames that are under way: after a step, in its transaction, or with `ran` null for what
 * was done by hand. The columns of a rename whose own step it was are taken as that step has left them.
 * @throws PH2018 for a change that cannot be followed; the transaction of the caller has to be rolled back then.
 */
export async function settlePairs(
  trx: Knex.Transaction,
  renames: Changes,
  ran: RanStep | null,
): Promise<FollowedChange[]> {
  const db = await connectionOf(trx);
  const records = new Map((await readPairs(db)).map((record) => [record.rename, record]));
  const isOwn = (rename: Change): boolean => ran?.rename !== undefined && wholeOf(rename) === ran.rename;
  if (records.size === 0 && ![...renames.values()].some(isOwn)) return [];
  return underQualifiedNames(db, async () => {
    const followed: FollowedChange[] = [];
    for (const rename of renames.values()) {
      const record = records.get(rename.name);
      const pair = pairOf(trx, db, rename, renames);
      const change = isOwn(rename) && ran !== null ? changeOf(ran) : 'none';
      // Steps that an earlier version has scaffolded leave some of it behind.
      if (change === 'ends' || (change !== 'none' && change.phase === 1))
        await dropStragglers(trx, rename.sync.stragglers);
      if (change === 'ends') await forgetPair(db, rename.name, ran?.direction === 'down');
      else if (change === 'none') {
        if (record === undefined) continue;
        const changes = pair.follow(record, isOwn(rename) ? ran : null).catch((error) => {
          throw asRefusal(error, rename);
        });
        followed.push(...(await changes));
      } else if (record === undefined || change.begins) followed.push(...(await pair.begin(change.phase)));
      else followed.push(...(await pair.turn(record, change.phase)));
    }
    return followed;
  });
}

/** The two columns of a change, as its kind has them. */
function pairOf(
  trx: Knex.Transaction,
  db: LedgerDb,
  change: Change,
  changes: Changes,
): Pair | RetypedPair | MappedColumns | MovedColumn {
  if (isMove(change)) return new MovedColumn(db, change);
  if (isMapping(change)) return new MappedColumns(db, change);
  if (change.retype !== null) return new RetypedPair(trx, db, change);
  return new Pair(trx, db, change, syncedWith([...changes.values()].filter(isRename), change));
}

/** What PostgreSQL does not let this role do, such as a label of a provider that is not loaded, cannot be followed. */
function asRefusal(error: unknown, { name }: Change): unknown {
  if (error instanceof PhaseError || isRetryable(error) || isConnectionLost(error)) return error;
  const what = `what was altered on one column cannot be done on the other (${reasonOf(error)})`;
  const instead = 'Do it on the other column as somebody who may, or take it back.';
  return new PhaseError('PH2018', { rename: name, changes: [{ what, instead }] }, { cause: error });
}

/** What a rename's own step makes of its pair. */
function changeOf({ step, direction }: RanStep): 'none' | 'ends' | { readonly phase: 1 | 2; readonly begins: boolean } {
  switch (step) {
    case 'expand':
      return direction === 'up' ? { phase: 1, begins: true } : 'ends';
    case 'switch':
      return { phase: direction === 'up' ? 2 : 1, begins: false };
    case 'contract':
      return direction === 'up' ? 'ends' : { phase: 2, begins: true };
    default:
      return 'none';
  }
}

/**
 * Keeps the pairs of all renames that are under way by the ledger, and of no others: an earlier version may have begun one, and
 * somebody may have said by hand what became of a step.
 */
export async function adoptPairs(trx: Knex.Transaction, renames: Changes): Promise<void> {
  const db = await connectionOf(trx);
  const known = new Set((await readPairs(db)).map(({ rename }) => rename));
  const current = (await renamesUnderWay(db)).flatMap(({ rename, phase }) => [
    { rename, phase },
    ...partsOf(renames.values(), rename).flatMap(({ name }) => (name === rename ? [] : [{ rename: name, phase }])),
  ]);
  for (const name of known) if (!current.some(({ rename }) => rename === name)) await forgetPair(db, name);
  const unknown = current.filter(({ rename }) => !known.has(rename));
  if (unknown.length === 0) return;
  await underQualifiedNames(db, async () => {
    for (const { rename: name, phase } of unknown) {
      const rename = renames.get(name);
      if (rename !== undefined) await pairOf(trx, db, rename, renames).begin(phase);
    }
  });
}
