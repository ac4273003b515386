import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import {
  converted,
  eitherOf,
  isTwinned,
  isUnfilled,
  onErrorOf,
  outOfStep,
  type Rename,
  type RenameStepName,
  type Retype,
  type TwinnedObject,
} from '../../domain/rename.ts';
import { type Argument, backfill, type Code, call, execute, Reference } from '../../objects/code.ts';
import { aside } from '../../objects/dependents/aside.ts';
import { movedKeys } from '../../objects/indexes/primary-key.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { boundKind, KINDS, twinnedKind } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { createOnError, dropOnError } from '../on-error.ts';
import { analyze } from '../rename/column-code.ts';
import { constants, ofKinds } from '../rename/object-code.ts';
import { atOnce, type StepCode } from '../rename/steps.ts';
import { createSync, dropSync } from '../rename/sync-code.ts';

/** What is on a column, as it is on the new one: of the new type, and of the old one, for a way back. */
export interface RetypeFacts {
  readonly next: TableFacts;
  readonly back: TableFacts;
}

/** The default as it stands, and as it will. */
export interface PlannedDefault {
  readonly from: string;
  readonly to: string;
}

/** One column that gets another type, with all that is known of it. */
export interface RetypePart {
  readonly facts: RetypeFacts;
  readonly change: Rename & { readonly retype: Retype };
  readonly default: PlannedDefault | null;
}

/** The five steps of a retype as code, for the column and those that reference it; docs/changes.md explains each. */
export function retypeSteps(
  name: string,
  parts: readonly RetypePart[],
  quietTriggers: boolean,
): Record<RenameStepName, StepCode> {
  const works = parts.map((part, at) => new PartCode(part, at));
  return {
    expand: {
      up: works.flatMap((work) => work.expand()),
      down: works.toReversed().flatMap((work) => work.undoExpand()),
      transaction: true,
      downTransaction: true,
    },
    backfill: { up: backfills(parts, quietTriggers), down: [], transaction: false, downTransaction: true },
    constrain: constrain(works),
    switch: exchange(name, works),
    contract: contract(name, works),
  };
}

/** Of one table several columns are filled at once. */
function backfills(parts: readonly RetypePart[], quietTriggers: boolean): Code[] {
  const tables = [...new Set(parts.map(({ change }) => quoteQualified(change.table)))];
  return tables.map((table) => {
    const own = parts.filter(({ change }) => quoteQualified(change.table) === table).map(({ change }) => change);
    const set = own.map(({ from, to, retype }) => [to, converted(retype.forward, quoteIdent(from))] as const);
    const where = own.map((change) => outOfStep(change, quoteIdent(change.from), quoteIdent(change.to)));
    return backfill({
      table,
      set: Object.fromEntries(set),
      where: eitherOf(where),
      ...(quietTriggers ? { quietTriggers } : { exact: true }),
    });
  });
}

/** Foreign keys come last: what they reference has its index then. */
const isKey = (kind: AnyKind): boolean => kind.family === 'key';
const KEYS = KINDS.filter(isKey);
const OTHERS = KINDS.filter((kind) => !isKey(kind));

/** Everything on the columns gets a twin on the new ones. */
function constrain(works: readonly PartCode[]): StepCode {
  return {
    up: [...build(works, 'next'), ...works.map(({ next }) => analyze([next], 'new'))],
    down: [
      ...works.toReversed().flatMap(({ next }) => ofKinds([next], 'constrain', 'down', KEYS)),
      ...works.toReversed().flatMap(({ next }) => ofKinds([next], 'constrain', 'down', OTHERS)),
    ],
    transaction: false,
    downTransaction: false,
  };
}

function build(works: readonly PartCode[], side: 'next' | 'back'): Code[] {
  return [OTHERS, KEYS].flatMap((kinds) => works.flatMap((work) => ofKinds([work[side]], 'constrain', 'up', kinds)));
}

/** Each two columns exchange their names, all in one transaction; on the way back first the old ones get again what hung on them. */
function exchange(name: string, works: readonly PartCode[]): StepCode {
  const all = (code: (work: PartCode) => readonly Code[]): Code[] => works.flatMap(code);
  const [first] = works;
  const { on = '', change } = first ?? {};
  return {
    up: [
      call('confirmGate', name, { phase: 2 }),
      ...all(({ next }) => dropSync(next, 1)),
      ...all((work) => (works.length === 1 ? [] : work.replaceKeys())),
      ...all((work) => [work.exchange('next')]),
      ...all(({ next }) => createSync(next, 2)),
    ],
    down: [
      {
        kind: 'whileOfType',
        on,
        column: change?.from ?? '',
        type: change?.retype.type ?? '',
        body: [
          ...works.map((work) => work.fillAgain()),
          ...build(works, 'back'),
          ...atOnce([
            ...all(({ next }) => dropSync(next, 2)),
            ...all((work) => (works.length === 1 ? [] : work.replaceKeys())),
            ...all((work) => [work.exchange('back')]),
            ...all(({ next }) => createSync(next, 1)),
          ]),
        ],
      },
      ...build(works, 'next'),
    ],
    constants: Object.assign({}, ...works.map((work) => work.constants())),
    transaction: true,
    downTransaction: false,
  };
}

/** The old columns go. Undoing adds them again with their sync at once, then fills them. */
function contract(name: string, works: readonly PartCode[]): StepCode {
  return {
    up: [call('confirmGate', name, { phase: 3 }), ...works.flatMap((work) => work.contract())],
    down: [...works.flatMap((work) => work.addAgain()), ...works.map((work) => work.fillAgain())],
    transaction: true,
    downTransaction: false,
  };
}

const WIDTHS = ['smallint', 'integer', 'bigint'];

/** What steps do with one of the columns. */
class PartCode {
  readonly change: RetypePart['change'];
  readonly next: Renaming;
  readonly back: Renaming;
  readonly on: string;
  readonly #part: RetypePart;
  /** The constant of the migration that lists what is carried over. */
  readonly #carried: string;

  constructor(part: RetypePart, at: number) {
    const { facts, change } = part;
    this.#part = part;
    this.#carried = at === 0 ? 'carried' : `carried${at + 1}`;
    this.change = change;
    this.next = new Renaming(facts.next, change);
    this.back = new Renaming(facts.back, change);
    this.on = this.next.on;
  }

  expand(): Code[] {
    const { retype, from: like, to: column } = this.change;
    return [
      ...this.#makeOnError(),
      call('addColumnOfType', { on: this.on, column, like, type: retype.type }),
      ...createSync(this.next, 1),
    ];
  }

  undoExpand(): Code[] {
    const drop = call('dropColumn', { on: this.on, column: this.change.to });
    return [...dropSync(this.next, 1), drop, ...this.#dropOnError()];
  }

  /** What the sync, the backfill and the gates convert by. */
  #makeOnError(): Code[] {
    const { table, type } = this.change;
    return onErrorOf(this.change).flatMap((name) => createOnError(table, name, [type]));
  }

  #dropOnError(): Code[] {
    return onErrorOf(this.change).map((name) => dropOnError(this.change.table, name));
  }

  /** Foreign keys between columns of the change go before what they reference changes places. */
  replaceKeys(): Code[] {
    const keys = this.change.carried.filter(isTwinned).filter(({ kind }) => twinnedKind(kind).goes === 'in phase 2');
    return keys.map(({ name, twin, on = this.on }) => call('replaceForeignKey', { on, name, twin }));
  }

  exchange(side: 'next' | 'back'): Code {
    const { change } = this;
    const { from: column, to, type, carried, retype } = change;
    const planned = this.#part.default;
    const turned = planned === null ? null : { from: planned.to, to: planned.from };
    const standing = side === 'next' ? planned : turned;
    return call('exchangeColumns', {
      on: this.on,
      column,
      aside: to,
      becomes: side === 'next' ? retype.type : type,
      carried: carried.some(isTwinned) ? new Reference<readonly TwinnedObject[]>(this.#carried) : [],
      ...movedKeys([this[side]]),
      ...(standing === null ? {} : { default: standing }),
      ...this.#sequenceType(side),
      ...aside([this.next.facts], ({ kind }) => boundKind(kind).waits === true),
    });
  }

  /** Numbers of a sequence end with its type, whatever the column could hold: one of a key that gets a wider type gets it, too. */
  #sequenceType(side: 'next' | 'back'): { sequenceType?: string } {
    const { ownedSequence } = this.next.facts.column;
    const { type } = this.change.retype;
    if (ownedSequence === null || WIDTHS.indexOf(type) <= WIDTHS.indexOf(ownedSequence.type)) return {};
    return { sequenceType: side === 'next' ? type : ownedSequence.type };
  }

  constants(): Readonly<Record<string, readonly Argument[]>> {
    const { carried } = constants([this.next]);
    return carried === undefined ? {} : { [this.#carried]: carried };
  }

  contract(): Code[] {
    const drop = call('dropColumn', { on: this.on, column: this.change.to });
    return [...dropSync(this.next, 2), drop, ...this.#dropOnError()];
  }

  addAgain(): Code[] {
    const { on, change } = this;
    const { from: like, to: column, type } = change;
    const { collation, storage, compression } = this.next.facts.column;
    const alter = `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)}`;
    const again = [
      ...this.#makeOnError(),
      call('addColumnOfType', {
        on,
        column,
        like,
        type: `${type}${collation === null ? '' : ` COLLATE ${collation}`}`,
      }),
      ...(storage === null ? [] : [execute(`${alter} SET STORAGE ${storage}`)]),
      ...(compression === null ? [] : [execute(`${alter} SET COMPRESSION ${compression}`)]),
      ...createSync(this.next, 2),
    ];
    return [{ kind: 'unlessColumn', on, column, body: atOnce(again) }];
  }

  /** What has no value of the old type yet gets one: all rows of a column that was added again, else what was written while its sync was quiet. */
  fillAgain(): Code {
    const { from, to, retype } = this.change;
    const [fresh, old] = [quoteIdent(from), quoteIdent(to)];
    return backfill({
      table: this.on,
      set: { [to]: converted(retype.back, fresh) },
      // A value that comes back as nothing leaves nothing to fill.
      where: `CASE WHEN ${isUnfilled(old, fresh)} THEN (${converted(retype.back, fresh)}) IS DISTINCT FROM NULL ELSE false END`,
      exact: true,
    });
  }
}
