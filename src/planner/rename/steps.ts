import type { RenameStepName } from '../../domain/rename.ts';
import { type Argument, type Code, call } from '../../objects/code.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { addColumn, analyze, dropColumn, fill } from './column-code.ts';
import type { FunctionVersion } from './function-versions.ts';
import {
  constants,
  ofKinds,
  type Renamings,
  rebindDependents,
  replaceColumn,
  restoreIndexRoles,
  restoreTwinNames,
} from './object-code.ts';
import { createStragglers, createSync, dropStragglers, dropSync } from './sync-code.ts';

/** What a step does and how it is undone. */
export interface StepCode {
  readonly up: readonly Code[];
  readonly down: readonly Code[];
  /** Lists that the code names. */
  readonly constants?: Readonly<Record<string, readonly Argument[]>>;
  readonly transaction: boolean;
  readonly downTransaction: boolean;
}

interface StepOptions {
  readonly versions: readonly FunctionVersion[];
  readonly quietTriggers: boolean;
  /** For tests, which add one of their own. */
  readonly kinds?: readonly AnyKind[];
}

/** The five steps of a rename, of one column or of several, as code; docs/three-phases.md explains each. */
export function stepCode(
  renamings: Renamings,
  { versions, quietTriggers, kinds }: StepOptions,
): Record<RenameStepName, StepCode> {
  return {
    expand: expand(renamings, kinds),
    backfill: backfill(renamings, quietTriggers),
    constrain: constrain(renamings, kinds),
    switch: turn(renamings, versions, kinds),
    contract: contract(renamings, kinds),
  };
}

/** Columns, sync and the columns' attributes in one transaction: never a moment with a column and no trigger. */
function expand(renamings: Renamings, kinds: readonly AnyKind[] | undefined): StepCode {
  const [first] = renamings;
  return {
    up: [...renamings.flatMap(addColumn), ...createSync(first, 1), ...ofKinds(renamings, 'expand', 'up', kinds)],
    down: [
      ...ofKinds(renamings, 'expand', 'down', kinds),
      ...dropSync(first, 1),
      ...renamings.toReversed().map(dropColumn),
    ],
    transaction: true,
    downTransaction: true,
  };
}

function backfill(renamings: Renamings, quietTriggers: boolean): StepCode {
  return { up: fill(renamings, 'to new', quietTriggers), down: [], transaction: false, downTransaction: true };
}

/** Everything on the old columns gets a twin. */
function constrain(renamings: Renamings, kinds: readonly AnyKind[] | undefined): StepCode {
  return {
    up: [...ofKinds(renamings, 'constrain', 'up', kinds), analyze(renamings, 'new')],
    down: ofKinds(renamings, 'constrain', 'down', kinds),
    transaction: false,
    downTransaction: false,
  };
}

/** The new columns take authority; never a moment without a trigger. */
function turn(
  renamings: Renamings,
  versions: readonly FunctionVersion[],
  kinds: readonly AnyKind[] | undefined,
): StepCode {
  const [first] = renamings;
  return {
    up: [
      gate(renamings, 2),
      ...createStragglers(first),
      ...createSync(first, 2),
      ...dropSync(first, 1),
      ...ofKinds(renamings, 'switch', 'up', kinds),
      ...rebindDependents(renamings, 'in phase 2', 'to new'),
      ...bringTo(versions),
    ],
    down: [
      ...ofKinds(renamings, 'switch', 'restore', kinds),
      ...atOnce([
        ...bringBack(versions),
        ...rebindDependents(renamings, 'in phase 2', 'back'),
        ...ofKinds(renamings, 'switch', 'down', kinds),
        ...createSync(first, 1),
        ...dropSync(first, 2),
        ...dropStragglers(first),
      ]),
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** The application's functions go to the versions that name the new column. */
export function bringTo(versions: readonly FunctionVersion[]): Code[] {
  return versions.map(({ name, version }) => call('updateFunction', name, { version, revertToVersion: version - 1 }));
}

export function bringBack(versions: readonly FunctionVersion[]): Code[] {
  return versions.map(({ name, version }) => call('updateFunction', name, { version: version - 1 }));
}

/** In one transaction, where there is anything. */
export function atOnce(body: readonly Code[]): Code[] {
  return body.length === 0 ? [] : [{ kind: 'atomically', body }];
}

/** Sync and old columns go, names are restored. Undoing adds the old ones again with their sync at once, then fills and constrains them. */
function contract(renamings: Renamings, kinds: readonly AnyKind[] | undefined): StepCode {
  const [first] = renamings;
  const { on, rename } = first;
  const addAgain: Code[] = [
    restoreTwinNames(renamings),
    ...ofKinds(renamings, 'contract', 'aside', kinds),
    ...createStragglers(first),
    ...renamings.map(({ rename: { from: column, to: like } }) => call('addColumnLike', { on, column, like })),
    ...createSync(first, 2),
    ...ofKinds(renamings, 'contract', 'down', kinds),
  ];
  return {
    up: [
      gate(renamings, 3),
      ...dropSync(first, 2),
      ...ofKinds(renamings, 'contract', 'up', kinds),
      ...rebindDependents(renamings, 'in phase 3', 'to new'),
      replaceColumn(renamings),
      ...dropStragglers(first),
    ],
    down: [
      { kind: 'unlessColumn', on, column: rename.from, body: atOnce(addAgain) },
      ...fill(renamings, 'back'),
      ...restoreOriginals(renamings, kinds),
      analyze(renamings, 'old'),
    ],
    constants: constants(renamings),
    transaction: true,
    downTransaction: false,
  };
}

/** Everything that the old columns had, once they are filled again. */
export function restoreOriginals(renamings: Renamings, kinds?: readonly AnyKind[]): Code[] {
  return [
    ...ofKinds(renamings, 'contract', 'restore', kinds),
    ...restoreIndexRoles(renamings),
    ...rebindDependents(renamings, 'in phase 3', 'back'),
  ];
}

function gate([{ rename }]: Renamings, phase: 2 | 3): Code {
  return call('confirmGate', rename.name, { phase });
}
