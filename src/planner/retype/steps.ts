import { quoteIdent } from '../../domain/identifier.ts';
import { converted, outOfStep, type Rename, type RenameStepName, type Retype } from '../../domain/rename.ts';
import { type Argument, backfill, type Code, call, execute } from '../../objects/code.ts';
import { aside } from '../../objects/dependents/aside.ts';
import { movedKeys } from '../../objects/indexes/primary-key.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { boundKind } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { analyze } from '../rename/column-code.ts';
import { carriedConstant, constants, ofKinds } from '../rename/object-code.ts';
import { atOnce, type StepCode } from '../rename/steps.ts';
import { createSync, dropSync } from '../rename/sync-code.ts';

/** What is on the column, as it is on the new one: of the new type, and of the old one, for a way back. */
export interface RetypeFacts {
  readonly next: TableFacts;
  readonly back: TableFacts;
}

/** The default as it stands, and as it will. */
export interface PlannedDefault {
  readonly from: string;
  readonly to: string;
}

interface RetypeOptions {
  readonly default: PlannedDefault | null;
  readonly quietTriggers: boolean;
  /** For tests, which add one of their own. */
  readonly kinds?: readonly AnyKind[];
}

type RetypeChange = Rename & { readonly retype: Retype };

/** The five steps of a retype as code; docs/changes.md explains each. */
export function retypeSteps(
  facts: RetypeFacts,
  change: RetypeChange,
  options: RetypeOptions,
): Record<RenameStepName, StepCode> {
  const renaming = new Renaming(facts.next, change);
  return {
    expand: expand(renaming, change),
    backfill: fill(change, options),
    constrain: constrain(renaming, options.kinds),
    switch: exchange(facts, change, options),
    contract: contract(renaming, change),
  };
}

function expand(renaming: Renaming, { retype, from: like, to: column }: RetypeChange): StepCode {
  const { on } = renaming;
  return {
    up: [call('addColumnOfType', { on, column, like, type: retype.type }), ...createSync(renaming, 1)],
    down: [...dropSync(renaming, 1), call('dropColumn', { on, column })],
    transaction: true,
    downTransaction: true,
  };
}

function fill(change: RetypeChange, { quietTriggers }: RetypeOptions): StepCode {
  const { from, to, table, retype } = change;
  const [old, fresh] = [quoteIdent(from), quoteIdent(to)];
  const request = {
    table: `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`,
    set: { [to]: converted(retype.forward, old) },
    where: outOfStep(change, old, fresh),
    ...(quietTriggers ? { quietTriggers } : { exact: true }),
  };
  return { up: [backfill(request)], down: [], transaction: false, downTransaction: true };
}

/** Everything on the column gets a twin on the new one. */
function constrain(renaming: Renaming, kinds: readonly AnyKind[] | undefined): StepCode {
  return {
    up: [...ofKinds(renaming, 'constrain', 'up', kinds), analyze(renaming, renaming.new)],
    down: ofKinds(renaming, 'constrain', 'down', kinds),
    transaction: false,
    downTransaction: false,
  };
}

/** The two columns exchange their names; on the way back first the old one gets again what hung on it. */
function exchange(facts: RetypeFacts, change: RetypeChange, { default: planned, kinds }: RetypeOptions): StepCode {
  const [next, back] = [new Renaming(facts.next, change), new Renaming(facts.back, change)];
  const { on } = next;
  const { retype, from: column, to: other, type, carried, name } = change;
  const columns = (becomes: string, standing: PlannedDefault | null) =>
    call('exchangeColumns', {
      on,
      column,
      aside: other,
      becomes,
      carried: carriedConstant(carried),
      ...movedKeys(becomes === retype.type ? next : back),
      ...(standing === null ? {} : { default: standing }),
      ...sequenceType(facts.next, retype, becomes),
      ...aside(facts.next, ({ kind }) => boundKind(kind).waits === true),
    });
  const turned = planned === null ? null : { from: planned.to, to: planned.from };
  return {
    up: [
      call('confirmGate', name, { phase: 2 }),
      ...dropSync(next, 1),
      columns(retype.type, planned),
      ...createSync(next, 2),
    ],
    down: [
      {
        kind: 'whileOfType',
        on,
        column,
        type: retype.type,
        body: [
          ...ofKinds(back, 'constrain', 'up', kinds),
          ...atOnce([...dropSync(next, 2), columns(type, turned), ...createSync(next, 1)]),
        ],
      },
      ...ofKinds(next, 'constrain', 'up', kinds),
    ],
    constants: constants(next) as Readonly<Record<string, readonly Argument[]>>,
    transaction: true,
    downTransaction: false,
  };
}

const WIDTHS = ['smallint', 'integer', 'bigint'];

/** Numbers of a sequence end with its type, whatever the column could hold: one of a key that gets a wider type gets it, too. */
function sequenceType({ column }: TableFacts, { type }: Retype, becomes: string): { sequenceType?: string } {
  const { ownedSequence } = column;
  if (ownedSequence === null || WIDTHS.indexOf(type) <= WIDTHS.indexOf(ownedSequence.type)) return {};
  return { sequenceType: becomes === type ? type : ownedSequence.type };
}

/** The old column goes. Undoing adds it again with its sync at once, then fills it. */
function contract(renaming: Renaming, change: RetypeChange): StepCode {
  const { on } = renaming;
  const { from: like, to: column, type, retype, table, name } = change;
  const [fresh, old] = [quoteIdent(like), quoteIdent(column)];
  const { collation, storage, compression } = renaming.facts.column;
  const alter = `ALTER TABLE ${on} ALTER COLUMN ${old}`;
  const again: Code[] = [
    call('addColumnOfType', { on, column, like, type: `${type}${collation === null ? '' : ` COLLATE ${collation}`}` }),
    ...(storage === null ? [] : [execute(`${alter} SET STORAGE ${storage}`)]),
    ...(compression === null ? [] : [execute(`${alter} SET COMPRESSION ${compression}`)]),
    ...createSync(renaming, 2),
  ];
  const request = {
    table: `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`,
    set: { [column]: converted(retype.back, fresh) },
    where: `${old} IS NOT DISTINCT FROM NULL AND ${fresh} IS DISTINCT FROM NULL`,
    exact: true,
  };
  return {
    up: [call('confirmGate', name, { phase: 3 }), ...dropSync(renaming, 2), call('dropColumn', { on, column })],
    down: [{ kind: 'unlessColumn', on, column, body: atOnce(again) }, backfill(request)],
    transaction: true,
    downTransaction: false,
  };
}
