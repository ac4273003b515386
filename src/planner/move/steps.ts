import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { fillingOf, isUnplaced, type Move, returningOf } from '../../domain/move.ts';
import type { RenameStepName } from '../../domain/rename.ts';
import { backfill, type Code, call, execute } from '../../objects/code.ts';
import type { DroppedFacts } from '../../objects/dropping.ts';
import { Renaming } from '../../objects/renaming.ts';
import { addColumn } from '../rename/column-code.ts';
import { atOnce, type StepCode } from '../rename/steps.ts';
import { createStragglers, createSync, dropStragglers, dropSync } from '../rename/sync-code.ts';

/** All that steps are made of. */
export interface MoveParts {
  readonly move: Move;
  /** The old column with all that it has itself, without a default: what the third phase, undone, adds again. */
  readonly original: Renaming;
  /** Statements that give the new column the privileges that the old one has. */
  readonly grants: readonly string[];
  readonly dropped: DroppedFacts;
  readonly quietTriggers: boolean;
}

/** The five steps of a move as code; docs/changes.md explains each. */
export function moveSteps(parts: MoveParts): Record<RenameStepName, StepCode> {
  return {
    expand: expand(parts),
    backfill: fill(parts),
    constrain: constrain(parts),
    switch: turn(parts),
    contract: contract(parts),
  };
}

/** What keeps both tables in step in a phase: the other table first, so that what is written here has somebody who knows it. */
function createBoth(move: Move, phase: 1 | 2): Code[] {
  return [...createSync(targetOf(move), phase), ...createSync(sourceOf(move), phase)];
}

function dropBoth(move: Move, phase: 1 | 2): Code[] {
  return [...dropSync(sourceOf(move), phase), ...dropSync(targetOf(move), phase)];
}

const sourceOf = (move: Move) => ({ rename: move, on: quoteQualified(move.table) });
const targetOf = ({ toTable, targetSync }: Move) => ({
  rename: { table: toTable, sync: targetSync },
  on: quoteQualified(toTable),
});

function standing(on: string, column: string, { default: given }: Move): Code[] {
  return given === null ? [] : [execute(`ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)} SET DEFAULT ${given}`)];
}

/** Of rows that are there none changes. */
function expand({ move, grants }: MoveParts): StepCode {
  const { name, toTable, to, type } = move;
  const on = quoteQualified(toTable);
  return {
    up: [
      call('createUnsettled', name),
      execute(`ALTER TABLE ${on} ADD COLUMN ${quoteIdent(to)} ${type}`),
      ...grants.map(execute),
      ...createBoth(move, 1),
      ...standing(on, to, move),
    ],
    down: [...dropBoth(move, 1), call('dropColumn', { on, column: to }), call('dropUnsettled', name)],
    transaction: true,
    downTransaction: true,
  };
}

function fill({ move, quietTriggers }: MoveParts): StepCode {
  const { table, toTable, to, from, via, name, missing } = move;
  const quiet = quietTriggers ? { quietTriggers } : { exact: true };
  const { value, where } = fillingOf(move);
  const columns = [...via.map(({ source }) => source), from];
  const make = { kind: 'insertMissing', name, table: quoteQualified(table), columns, where: isUnplaced(move) } as const;
  return {
    up: [
      ...(missing === 'create' ? [make] : []),
      backfill({ table: quoteQualified(toTable), set: { [to]: value }, where, ...quiet }),
    ],
    down: [],
    transaction: false,
    downTransaction: true,
  };
}

const analyze = (on: string, column: string): Code => execute(`ANALYZE ${on} (${quoteIdent(column)})`);

function constrain({ move }: MoveParts): StepCode {
  return {
    up: [analyze(quoteQualified(move.toTable), move.to)],
    down: [],
    transaction: false,
    downTransaction: false,
  };
}

/** The other table takes authority; never a moment without triggers. A value that is emptied there may be none here any more. */
function turn({ move }: MoveParts): StepCode {
  const place = { on: quoteQualified(move.table), column: move.from };
  return {
    up: [
      call('confirmGate', move.name, { phase: 2 }),
      ...createStragglers(sourceOf(move)),
      ...createBoth(move, 2),
      ...dropBoth(move, 1),
      ...(move.notNull ? [call('unsetNotNull', place)] : []),
    ],
    down: [
      ...atOnce([...createBoth(move, 1), ...dropBoth(move, 2), ...dropStragglers(sourceOf(move))]),
      ...(move.notNull ? [call('setNotNull', place)] : []),
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** Sync and old column go. Undoing adds it again with its sync at once, then fills it, then gives it what it had. */
function contract({ move, original, dropped }: MoveParts): StepCode {
  const { table, from, name } = move;
  const on = quoteQualified(table);
  const { value, where } = returningOf(move);
  const alone = new Renaming({ ...original.facts, partitioned: false, children: [] }, original.rename);
  const addAgain = [
    ...createStragglers(sourceOf(move)),
    call('createUnsettled', name),
    ...addColumn(alone),
    ...createBoth(move, 2),
    ...standing(on, from, move),
  ];
  return {
    up: [
      call('confirmGate', name, { phase: 3 }),
      ...dropBoth(move, 2),
      ...dropped.drop,
      call('dropColumn', { on, column: from }),
      ...dropStragglers(sourceOf(move)),
      call('dropUnsettled', name),
    ],
    down: [
      { kind: 'unlessColumn', on, column: from, body: atOnce(addAgain) },
      backfill({ table: on, set: { [from]: value }, where, exact: true }),
      ...dropped.restore,
      analyze(on, from),
    ],
    transaction: true,
    downTransaction: false,
  };
}
