import type { Rename, RenameStepName } from '../../domain/rename.ts';
import { type Argument, type Code, call } from '../../objects/code.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { addColumn, analyze, dropColumn, fill } from './column-code.ts';
import type { FunctionVersion } from './function-versions.ts';
import {
  constants,
  ofKinds,
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

/** The five steps of a rename as code; docs/three-phases.md explains each. */
export function stepCode(
  facts: TableFacts,
  rename: Rename,
  { versions, quietTriggers, kinds }: StepOptions,
): Record<RenameStepName, StepCode> {
  const renaming = new Renaming(facts, rename);
  return {
    expand: expand(renaming, kinds),
    backfill: backfill(renaming, quietTriggers),
    constrain: constrain(renaming, kinds),
    switch: turn(renaming, versions, kinds),
    contract: contract(renaming, kinds),
  };
}

/** Column, sync and the column's attributes in one transaction: never a moment with the column and no trigger. */
function expand(renaming: Renaming, kinds: readonly AnyKind[] | undefined): StepCode {
  return {
    up: [...addColumn(renaming), ...createSync(renaming, 1), ...ofKinds(renaming, 'expand', 'up', kinds)],
    down: [...ofKinds(renaming, 'expand', 'down', kinds), ...dropSync(renaming, 1), dropColumn(renaming)],
    transaction: true,
    downTransaction: true,
  };
}

function backfill(renaming: Renaming, quietTriggers: boolean): StepCode {
  const { from, to } = renaming.rename;
  return { up: fill(renaming, from, to, quietTriggers), down: [], transaction: false, downTransaction: true };
}

/** Everything on the old column gets a twin. */
function constrain(renaming: Renaming, kinds: readonly AnyKind[] | undefined): StepCode {
  return {
    up: [...ofKinds(renaming, 'constrain', 'up', kinds), analyze(renaming, renaming.new)],
    down: ofKinds(renaming, 'constrain', 'down', kinds),
    transaction: false,
    downTransaction: false,
  };
}

/** The new column takes authority; never a moment without a trigger. */
function turn(
  renaming: Renaming,
  versions: readonly FunctionVersion[],
  kinds: readonly AnyKind[] | undefined,
): StepCode {
  return {
    up: [
      gate(renaming, 2),
      ...createStragglers(renaming),
      ...createSync(renaming, 2),
      ...dropSync(renaming, 1),
      ...ofKinds(renaming, 'switch', 'up', kinds),
      ...rebindDependents(renaming, 'in phase 2', 'to new'),
      ...bringTo(versions),
    ],
    down: [
      ...ofKinds(renaming, 'switch', 'restore', kinds),
      ...atOnce([
        ...bringBack(versions),
        ...rebindDependents(renaming, 'in phase 2', 'back'),
        ...ofKinds(renaming, 'switch', 'down', kinds),
        ...createSync(renaming, 1),
        ...dropSync(renaming, 2),
        ...dropStragglers(renaming),
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

/** Sync and old column go, names are restored. Undoing adds old again with its sync at once, then fills and constrains it. */
function contract(renaming: Renaming, kinds: readonly AnyKind[] | undefined): StepCode {
  const { on, rename } = renaming;
  const { from: column, to: like } = rename;
  const addAgain: Code[] = [
    restoreTwinNames(renaming),
    ...ofKinds(renaming, 'contract', 'aside', kinds),
    ...createStragglers(renaming),
    call('addColumnLike', { on, column, like }),
    ...createSync(renaming, 2),
    ...ofKinds(renaming, 'contract', 'down', kinds),
  ];
  return {
    up: [
      gate(renaming, 3),
      ...dropSync(renaming, 2),
      ...ofKinds(renaming, 'contract', 'up', kinds),
      ...rebindDependents(renaming, 'in phase 3', 'to new'),
      replaceColumn(renaming),
      ...dropStragglers(renaming),
    ],
    down: [
      { kind: 'unlessColumn', on, column, body: atOnce(addAgain) },
      ...fill(renaming, like, column),
      ...restoreOriginals(renaming, kinds),
      analyze(renaming, renaming.old),
    ],
    constants: constants(renaming),
    transaction: true,
    downTransaction: false,
  };
}

/** Everything that the old column had, once it is filled again. */
export function restoreOriginals(renaming: Renaming, kinds?: readonly AnyKind[]): Code[] {
  return [
    ...ofKinds(renaming, 'contract', 'restore', kinds),
    ...restoreIndexRoles(renaming),
    ...rebindDependents(renaming, 'in phase 3', 'back'),
  ];
}

function gate({ rename }: Renaming, phase: 2 | 3): Code {
  return call('confirmGate', rename.name, { phase });
}
