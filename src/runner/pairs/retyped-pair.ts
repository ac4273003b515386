import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { readPairFacts } from '../../catalog/attributes.ts';
import { locate } from '../../catalog/locate.ts';
import { placeOf } from '../../catalog/pair.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { PairFacts, PairRecord } from '../../domain/pair.ts';
import { inPhase, type Rename } from '../../domain/rename.ts';
import { writePair } from '../../ledger/pairs.ts';
import { execute } from '../../operations/execute.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import type { FollowedChange, RanStep } from './pair.ts';
import { displaced, isThere } from './place.ts';
import { isSyncFit, remakeSync } from './sync.ts';
import { changedByTriggers } from './triggers.ts';

/**
 * The two columns of a retype, as `Pair` is those of a rename. Releases write one of them alone, so little has to be followed: what was altered on it otherwise
 * the exchange takes along.
 */
export class RetypedPair {
  readonly #knex: Knex;
  readonly #db: LedgerDb;
  readonly #change: Rename;

  /** @param knex a transaction, and @param db its connection. */
  constructor(knex: Knex, db: LedgerDb, change: Rename) {
    this.#knex = knex;
    this.#db = db;
    this.#change = change;
  }

  async begin(phase: 1 | 2): Promise<FollowedChange[]> {
    const { table: of, from: old, to: fresh } = inPhase(this.#change, phase);
    const { table, from, to } = await locate(this.#db, of, old, fresh);
    if (table !== null && from !== null && to !== null) await this.#keep({ table, numbers: { from, to }, phase });
    return [];
  }

  async turn(before: PairRecord, phase: 1 | 2): Promise<FollowedChange[]> {
    await this.#keep({ ...before, phase });
    return [];
  }

  /** @throws PH2018 for a change that cannot be followed. */
  async follow(before: PairRecord, own: RanStep | null): Promise<FollowedChange[]> {
    const place = await placeOf(this.#db, before.table, before.numbers);
    if (own?.direction === 'down' && !isThere(place)) return [];
    const now = inPhase(this.#change, before.phase);
    this.#refuse(displaced(this.#db, place, now));
    const facts = await readPairFacts(this.#db, before.table, before.numbers);
    const undoesConstraints = own?.direction === 'down' && own.step === 'constrain';
    // Without a list of columns the sync's own trigger, which is the last one, sees what others have changed.
    const changing = now.sync.moved === null ? [] : await changedByTriggers(this.#db, now, before.table);
    this.#refuse([...refusedTypes(now, before.facts, facts), ...changing]);
    const isSame = isDeepStrictEqual(facts, before.facts);
    if (isSame && (await isSyncFit(this.#knex, [{ ...before, rename: this.#change }]))) return [];
    const followed = undoesConstraints || before.phase === 2 ? [] : await this.#followNull(now, before.facts, facts);
    await this.#keep(before);
    return followed;
  }

  /** A column that may be NULL now takes the other one along, which would refuse what it is given. */
  async #followNull(now: Rename, before: PairFacts, facts: PairFacts): Promise<FollowedChange[]> {
    const isLost = before.from['not null'] !== null && facts.from['not null'] === null;
    if (!isLost || facts.to['not null'] === null) return [];
    const on = quoteQualified(now.table);
    await execute(this.#knex, `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(now.to)} DROP NOT NULL`);
    return [{ rename: now.name, attribute: 'not null', column: now.from, other: now.to }];
  }

  #refuse(changes: readonly RefusedChange[]): void {
    if (changes.length > 0) throw new PhaseError('PH2018', { rename: this.#change.name, changes });
  }

  async #keep({ table, numbers, phase }: Pick<PairRecord, 'table' | 'numbers' | 'phase'>): Promise<void> {
    const change = this.#change;
    const ground = { type: change.type, default: 'none', standing: null } as const;
    const place = { table, numbers, phase, ground };
    const pair = { ...place, rename: change };
    if (!(await isSyncFit(this.#knex, [pair]))) await remakeSync(this.#knex, [pair]);
    const facts = await readPairFacts(this.#db, table, numbers);
    await writePair(this.#db, { ...place, rename: change.name, facts, reviewed: {} });
  }
}

/** Both types are part of the change: its conversions are written for them. */
function refusedTypes({ from, to }: Rename, before: PairFacts, now: PairFacts): RefusedChange[] {
  return (['from', 'to'] as const).flatMap((side) => {
    const column = side === 'from' ? from : to;
    const [was, is] = [before[side].type, now[side].type];
    return was === is
      ? []
      : [
          {
            what: `the type of ${column} was altered from ${was} to ${is}`,
            instead: `Give it back the type ${was} until phase 3 has run, or undo the change (phase rollback).`,
          },
        ];
  });
}
