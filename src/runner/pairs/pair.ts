import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { readPairFacts } from '../../catalog/attributes.ts';
import { readColumn } from '../../catalog/column.ts';
import { locate } from '../../catalog/locate.ts';
import { bodiesOf, placeOf, sequencesOf, triggerDefinitions } from '../../catalog/pair.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import {
  authorityIn,
  COPIED_ATTRIBUTES,
  defaultsOf,
  groundOf,
  IDENTITY,
  isDefault,
  isSameGround,
  otherSide,
  type PairAttribute,
  type PairFacts,
  type PairRecord,
  type Side,
  type Standing,
  type SyncGround,
  standingOf,
} from '../../domain/pair.ts';
import type { OrderedMigration } from '../../domain/plan.ts';
import { type Rename, reboundTriggers } from '../../domain/rename.ts';
import { writePair } from '../../ledger/pairs.ts';
import { changeTypes } from '../../operations/alter-columns.ts';
import { copyAttributes } from '../../operations/attributes.ts';
import { execute } from '../../operations/execute.ts';
import { follow, type RefusedChange } from '../../planner/rename/follow.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import { displaced, isThere } from './place.ts';
import { refusedBesides } from './refused.ts';
import { isSyncFit, remakeSync, type SyncedPair, type SyncedPairs, syncedPairs } from './sync.ts';

/** What was done on one column because somebody had altered the other. */
export interface FollowedChange {
  readonly rename: string;
  readonly attribute: PairAttribute;
  /** The column that was altered, and the one that followed. */
  readonly column: string;
  readonly other: string;
}

/** A step that has just run, or was undone. */
export interface RanStep extends Pick<OrderedMigration, 'rename' | 'step'> {
  readonly direction: 'up' | 'down';
}

/**
 * The two columns of a rename, on one connection that is in a transaction and prints names qualified. What both have to
 * agree in is followed from the one that was altered to the other, and the sync is written anew where it needs other
 * text.
 */
export class Pair {
  readonly #knex: Knex;
  readonly #db: LedgerDb;
  readonly #rename: Rename;
  /** Those that its sync keeps in step, itself among them. */
  readonly #synced: readonly Rename[];
  readonly #names: Readonly<Record<Side, string>>;
  readonly #on: string;
  readonly #followed: FollowedChange[] = [];

  /** @param knex a transaction, and @param db its connection; @param synced all that its sync keeps in step. */
  constructor(knex: Knex, db: LedgerDb, rename: Rename, synced: readonly Rename[]) {
    this.#knex = knex;
    this.#db = db;
    this.#rename = rename;
    this.#synced = synced;
    this.#names = { from: rename.from, to: rename.to };
    this.#on = quoteQualified(rename.table);
  }

  /**
   * Both columns and the sync of a phase are there, from the files: from now on the side of authority says what they have in common.
   * Nothing when they are not.
   * @throws PH2013 when their types differ, and the table is too large to be rewritten.
   */
  async begin(phase: 1 | 2): Promise<FollowedChange[]> {
    const { table, from, to } = await locate(this.#db, this.#rename.table, this.#rename.from, this.#rename.to);
    if (table === null || from === null || to === null) return [];
    const located = { table, numbers: { from, to } };
    const authority = authorityIn(phase);
    await this.#matchType(await readPairFacts(this.#db, table, located.numbers), authority);
    const now = await readPairFacts(this.#db, table, located.numbers);
    for (const attribute of COPIED_ATTRIBUTES) {
      if (now.from[attribute] !== now.to[attribute]) await this.#copy(attribute, authority);
    }
    const standing = await this.#standing(table, authority);
    await this.#setDefaults(now, standing, authority, authority);
    const reviewed = await this.#reviewed(phase);
    await this.#keep({ ...located, phase, ground: this.#groundOfFiles(), reviewed }, groundOf(now.from.type, standing));
    return this.#followed;
  }

  /** The sync of the other phase is in place, from the files: the default goes to the side that has authority now. */
  async turn(before: PairRecord, phase: 1 | 2): Promise<FollowedChange[]> {
    const now = await readPairFacts(this.#db, before.table, before.numbers);
    const moved = before.facts[authorityIn(before.phase)].default;
    const { default: kind, standing: constant } = before.ground;
    const standing: Standing | null =
      kind === 'none'
        ? null
        : { expression: constant ?? moved ?? '', class: kind, immutable: false, isOfDomain: moved === null };
    if (moved !== IDENTITY) await this.#setDefaults(now, standing, authorityIn(phase), authorityIn(phase));
    const gone = Object.entries(before.reviewed).filter(([key]) => key.startsWith('dropped '));
    const reviewed = { ...Object.fromEntries(gone), ...(await this.#reviewed(phase)) };
    await this.#keep(
      { ...before, phase, ground: this.#groundOfFiles(), reviewed },
      { ...before.ground, type: now.from.type ?? '' },
    );
    return this.#followed;
  }

  /**
   * After somebody may have altered one of the columns.
   * @param own the step of the rename itself that has just run, or null.
   * @throws PH2018 for a change that cannot be followed.
   */
  async follow(before: PairRecord, own: RanStep | null): Promise<FollowedChange[]> {
    const place = await placeOf(this.#db, before.table, before.numbers);
    if (own?.direction === 'down' && !isThere(place)) return [];
    this.#refuse(displaced(this.#db, place, this.#rename));
    const now = await readPairFacts(this.#db, before.table, before.numbers);
    // Undoing this step takes NOT NULL from the new column alone.
    if (own?.direction === 'down' && own.step === 'constrain') {
      await this.#keep(before, before.ground);
      return [];
    }
    const authority = authorityIn(before.phase);
    const following = follow(before.facts, now, { authority, names: this.#names });
    const old = await readColumn(this.#db, before.table, this.#rename.table, this.#rename.from);
    this.#refuse([...following.refused, ...(await refusedBesides(this.#db, this.#rename, before.table, old))]);
    for (const { attribute, side } of following.copies) await this.#copy(attribute, side);
    if (following.nullable !== null) await this.#dropNotNull(now, following.nullable);
    for (const { member, side } of following.nullableMembers) {
      await this.#alter(otherSide(side), 'DROP NOT NULL', member);
      if (following.nullable === null) this.#note('not null', side);
    }
    // What it gives may have become another without the column being altered: by its domain, or a function that it calls.
    const side = following.default ?? authority;
    const standing = side === 'from' ? standingOf(old) : await this.#standing(before.table, side);
    const ground = groundOf(now.from.type, standing);
    if (await this.#isAsBefore(before, now, ground)) return [];
    if (following.default !== null || !isSameGround(ground, before.ground)) {
      await this.#setDefaults(now, standing, authority, side);
    }
    await this.#keep(before, ground);
    return this.#followed;
  }

  /** Most steps have nothing to do with the columns. */
  async #isAsBefore(before: PairRecord, now: PairFacts, ground: SyncGround): Promise<boolean> {
    if (this.#followed.length > 0 || !isDeepStrictEqual(now, before.facts)) return false;
    return isSameGround(ground, before.ground) && (await isSyncFit(this.#knex, await this.#pairs(before)));
  }

  #refuse(changes: readonly RefusedChange[]): void {
    if (changes.length > 0) throw new PhaseError('PH2018', { rename: this.#rename.name, changes });
  }

  /** The type may have become another one since the files were written; the other column has no values yet. */
  async #matchType(now: PairFacts, authority: Side): Promise<void> {
    const other = otherSide(authority);
    const { type, collation } = now[authority];
    if (now[other].type === type && now[other].collation === collation) return;
    const wanted = `${type}${collation === null ? '' : ` COLLATE ${collation}`}`;
    await changeTypes(this.#knex, this.#on, [this.#names[other]], wanted);
    this.#note('type', authority);
  }

  async #copy(attribute: PairAttribute, side: Side): Promise<void> {
    const columns = { on: this.#on, from: this.#names[side], to: this.#names[otherSide(side)] };
    await copyAttributes(this.#knex, columns, [attribute]);
    this.#note(attribute, side);
  }

  async #dropNotNull(now: PairFacts, side: Side): Promise<void> {
    const other = otherSide(side);
    if (now[other]['not null'] === null) return;
    await this.#alter(other, 'DROP NOT NULL');
    this.#note('not null', side);
  }

  /** The default of a column, or of its domain. */
  async #standing(table: number, side: Side): Promise<Standing | null> {
    return standingOf(await readColumn(this.#db, table, this.#rename.table, this.#names[side]));
  }

  /** @param side that it was taken from. An identity cannot be set, and is where its step has put it. */
  async #setDefaults(now: PairFacts, standing: Standing | null, authority: Side, side: Side): Promise<void> {
    const wanted = defaultsOf(standing, authority);
    if (standing?.expression === IDENTITY) return;
    for (const one of ['from', 'to'] as const) {
      if (isDefault(now[one].default, wanted[one])) continue;
      await this.#alter(one, wanted[one] === null ? 'DROP DEFAULT' : `SET DEFAULT ${wanted[one]}`);
      if (one !== side) this.#note('default', side);
    }
    if (standing?.class === 'volatile') await this.#moveSequences(authority);
  }

  /** The sequence of a default goes with the column that owns it: it has to be the one that has the default. */
  async #moveSequences(authority: Side): Promise<void> {
    const [from, to] = [this.#names[otherSide(authority)], this.#names[authority]];
    const sequences = await sequencesOf(this.#db, this.#on, from);
    for (const sequence of sequences) {
      await execute(this.#knex, `ALTER SEQUENCE ${sequence} OWNED BY ${this.#on}.${quoteIdent(to)}`);
    }
  }

  #alter(side: Side, action: string, on = this.#on): Promise<void> {
    return execute(this.#knex, `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(this.#names[side])} ${action}`);
  }

  #note(attribute: PairAttribute, side: Side): void {
    const [column, other] = [this.#names[side], this.#names[otherSide(side)]];
    this.#followed.push({ rename: this.#rename.name, attribute, column, other });
  }

  /** Phase 2 has brought functions to versions that were reviewed before their release was cut, and each phase triggers to forms of their own. */
  async #reviewed(phase: 1 | 2): Promise<Record<string, string>> {
    const versions = phase === 1 ? [] : this.#rename.versions;
    const functions = await bodiesOf(
      this.#db,
      versions.map(({ signature }) => signature),
    );
    return { ...functions, ...(await triggerDefinitions(this.#db, reboundTriggers(this.#rename))) };
  }

  /** What the versions of the sync's functions in db/functions are written for. */
  #groundOfFiles(): SyncGround {
    const { type, default: kind, standing } = this.#rename;
    return { type, default: kind, standing };
  }

  #pairs(own: Omit<SyncedPair, 'rename'>): Promise<SyncedPairs | null> {
    return syncedPairs(this.#db, { ...own, rename: this.#rename }, this.#synced);
  }

  /** @param record what the sync is written for now; @param ground what it has to be written for. */
  async #keep(record: Omit<PairRecord, 'facts' | 'rename'>, ground: SyncGround): Promise<void> {
    const pairs = await this.#pairs({ ...record, ground });
    const fits = isSameGround(record.ground, ground) && (await isSyncFit(this.#knex, pairs));
    if (!fits) await remakeSync(this.#knex, pairs);
    const facts = await readPairFacts(this.#db, record.table, record.numbers);
    // Another type is printed in the conditions of triggers, too.
    const reviewed =
      record.ground.type === ground.type
        ? record.reviewed
        : { ...record.reviewed, ...(await triggerDefinitions(this.#db, reboundTriggers(this.#rename))) };
    await writePair(this.#db, { ...record, rename: this.#rename.name, facts, ground, reviewed });
  }
}
