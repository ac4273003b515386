import type { TableFacts } from '../../domain/facts.ts';
import type { Rename, RenameStepName } from '../../domain/rename.ts';
import { type Code, call, execute } from '../code.ts';
import { Parts } from './parts.ts';

/** What a step does and how it is undone. */
export interface StepCode {
  readonly up: readonly Code[];
  readonly down: readonly Code[];
  readonly transaction: boolean;
  readonly downTransaction: boolean;
}

/** The five steps of a rename as code; docs/three-phases.md explains each. */
export function stepCode(facts: TableFacts, rename: Rename): Record<RenameStepName, StepCode> {
  const part = new Parts(facts, rename);
  return {
    expand: expand(part),
    backfill: backfill(part),
    constrain: constrain(part),
    switch: turn(part),
    contract: contract(part),
  };
}

/** Column, sync and the column's attributes in one transaction: never a moment with the column and no trigger. */
function expand(part: Parts): StepCode {
  return {
    up: [
      execute(part.addColumn(part.new)),
      ...part.attributes(part.new),
      ...part.createSync(1),
      ...part.rebind('during'),
    ],
    down: [...part.rebind('original'), ...part.dropSync(1), execute(`ALTER TABLE ${part.on} DROP COLUMN ${part.new}`)],
    transaction: true,
    downTransaction: true,
  };
}

function backfill(part: Parts): StepCode {
  return {
    up: [part.fill(part.rename.from, part.rename.to)],
    down: [],
    transaction: false,
    downTransaction: true,
  };
}

function constrain(part: Parts): StepCode {
  const { on, facts, rename } = part;
  return {
    up: [
      ...facts.indexes.map((index) => part.createIndex(index, part.twin(index.name), index.definition)),
      ...facts.uniques.flatMap((unique) => part.createUnique(unique, part.twin(unique.name), unique.definition)),
      ...[...facts.checks, ...facts.foreignKeys].map((constraint) =>
        part.addConstraint(constraint, part.twin(constraint.name), constraint.definition),
      ),
      ...(rename.notNull ? [part.setNotNull(rename.to)] : []),
      ...facts.statistics.flatMap((object) => part.createStatistics(object, part.twin(object.name), object.definition)),
      part.analyze(part.new),
    ],
    down: [
      ...(rename.notNull ? [execute(`ALTER TABLE ${on} ALTER COLUMN ${part.new} DROP NOT NULL`)] : []),
      ...[...facts.foreignKeys, ...facts.checks, ...facts.uniques].map(({ name }) =>
        call('dropConstraint', { on, name: part.twin(name) }),
      ),
      ...facts.indexes.map(({ name }) => call('dropIndex', { on, name: part.twin(name) })),
      ...facts.statistics.map(({ name }) => part.dropStatistics(part.twin(name))),
    ],
    transaction: false,
    downTransaction: false,
  };
}

/** The new column takes authority; never a moment without a trigger. */
function turn(part: Parts): StepCode {
  const { on, facts } = part;
  return {
    up: [
      part.gate(2),
      ...part.createStragglers(),
      ...part.createSync(2),
      ...part.dropSync(1),
      ...part.moveDefault(part.old, part.new),
      ...facts.foreignKeys.map(({ name }) => call('dropConstraint', { on, name })),
    ],
    down: [
      ...facts.foreignKeys.map((key) => part.addConstraint(key, key.name, key.original)),
      {
        kind: 'atomically',
        body: [
          ...part.createSync(1),
          ...part.dropSync(2),
          ...part.moveDefault(part.new, part.old),
          ...part.dropStragglers(),
        ],
      },
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** Sync and old column go, names are restored. Undoing adds old again with its sync at once, then fills and constrains it. */
function contract(part: Parts): StepCode {
  const { on, facts, rename } = part;
  return {
    up: [
      part.gate(3),
      ...part.rebind('none'),
      ...part.dropSync(2),
      call('dropReplacedColumn', { on, column: rename.from, replacedBy: rename.to }),
      ...part.swapNames('twin', 'name'),
      ...part.appoint(),
      ...part.rebind('after'),
      ...part.dropStragglers(),
    ],
    down: [
      {
        kind: 'unlessColumn',
        on,
        column: rename.from,
        body: [
          {
            kind: 'atomically',
            body: [
              ...part.swapNames('name', 'twin'),
              ...(rename.notNull ? [part.renameNotNull()] : []),
              ...part.createStragglers(),
              execute(part.addColumn(part.old)),
              ...part.attributes(part.old),
              ...part.createSync(2),
              ...part.rebind('during'),
            ],
          },
        ],
      },
      part.fill(rename.to, rename.from),
      ...facts.indexes.map((index) => part.createIndex(index, index.name, index.original)),
      ...facts.uniques.flatMap((unique) => part.createUnique(unique, unique.name, unique.original)),
      ...facts.checks.map((check) => part.addConstraint(check, check.name, check.original)),
      ...(rename.notNull ? [part.setNotNull(rename.from)] : []),
      ...part.appoint(),
      ...facts.statistics.flatMap((object) => part.createStatistics(object, object.name, object.original)),
      part.analyze(part.old),
    ],
    transaction: true,
    downTransaction: false,
  };
}
