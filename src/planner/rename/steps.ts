import type { ConstraintFacts, TableFacts } from '../../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../../domain/identifier.ts';
import type { Rename, RenameStepName } from '../../domain/rename.ts';
import { type Argument, type Code, call } from '../code.ts';
import type { FunctionVersion } from './function-versions.ts';
import { Parts } from './parts/parts.ts';

/** What a step does and how it is undone. */
export interface StepCode {
  readonly up: readonly Code[];
  readonly down: readonly Code[];
  /** Lists that the code names. */
  readonly constants?: Readonly<Record<string, readonly Argument[]>>;
  readonly transaction: boolean;
  readonly downTransaction: boolean;
}

/** The five steps of a rename as code; docs/three-phases.md explains each. */
export function stepCode(
  facts: TableFacts,
  rename: Rename,
  { versions, quietTriggers }: { readonly versions: readonly FunctionVersion[]; readonly quietTriggers: boolean },
): Record<RenameStepName, StepCode> {
  const part = new Parts(facts, rename);
  return {
    expand: expand(part),
    backfill: backfill(part, quietTriggers),
    constrain: constrain(part),
    switch: turn(part, versions),
    contract: contract(part),
  };
}

/** Column, sync and the column's attributes in one transaction: never a moment with the column and no trigger. */
function expand(part: Parts): StepCode {
  const { on, facts } = part;
  return {
    up: [
      ...(facts.column.rewrites ? [call('ensureSmall', on)] : []),
      ...part.addColumn(),
      ...part.attributes(part.new),
      ...part.copyAttributes(part.rename.from, part.rename.to),
      ...part.createSync(1),
      ...part.rebindTriggers('original', 'during'),
    ],
    down: [...part.rebindTriggers('during', 'original'), ...part.dropSync(1), part.dropColumn()],
    transaction: true,
    downTransaction: true,
  };
}

function backfill(part: Parts, quietTriggers: boolean): StepCode {
  return {
    up: part.fill(part.rename.from, part.rename.to, quietTriggers),
    down: [],
    transaction: false,
    downTransaction: true,
  };
}

function constrain(part: Parts): StepCode {
  const { on, rename } = part;
  const relax = call('unsetNotNull', { on, column: rename.to });
  return {
    up: [
      ...buildTwins(part),
      ...part.setNotNull(rename.to),
      ...part.matchNotNull(rename.from, rename.to),
      part.analyze(part.new),
    ],
    down: [...(rename.notNull ? [relax] : []), ...dropTwins(part)],
    transaction: false,
    downTransaction: false,
  };
}

/** Everything on the old column gets a twin. Unique indexes come before the foreign keys that reference them. */
export function buildTwins(part: Parts): Code[] {
  const { indexes, uniques, primaryKeys, exclusions, statistics } = part.facts;
  return [
    ...indexes.map((index) => part.createIndex(index, twinOf(part, 'index', index), index.definition, index.name)),
    ...uniques.flatMap((unique) =>
      part.createUnique(unique, twinOf(part, 'unique', unique), 'definition', unique.name),
    ),
    ...exclusions.map((object) => part.addExclusion(object, twinOf(part, 'exclusion', object), object.definition)),
    ...primaryKeys.map((key) => part.createKeyIndex(key)),
    ...constraintTwins(part).map(({ object, twin }) => part.addConstraint(object, twin, object.definition)),
    ...statistics.flatMap((object) => part.createStatistics(object, part.statisticsTwin(object), object.definition)),
  ];
}

/** Undoes `buildTwins`. */
export function dropTwins(part: Parts): Code[] {
  const { indexes, uniques, primaryKeys, exclusions, statistics } = part.facts;
  const drop = (object: Placed, twin: string) => call('dropConstraint', { on: quoteQualified(object.on), name: twin });
  return [
    ...constraintTwins(part)
      .reverse()
      .map(({ object, twin }) => drop(object, twin)),
    ...exclusions.map((object) => drop(object, twinOf(part, 'exclusion', object))),
    ...uniques.map((object) => drop(object, twinOf(part, 'unique', object))),
    ...primaryKeys.map((key) => part.dropKeyIndex(key)),
    ...indexes.map((index) => call('dropIndex', { on: quoteQualified(index.on), name: twinOf(part, 'index', index) })),
    ...statistics.map((object) => part.dropStatistics(object)),
  ];
}

function constraintTwins(part: Parts): { readonly object: ConstraintFacts; readonly twin: string }[] {
  const { checks, foreignKeys, referencing } = part.facts;
  return [
    ...checks.map((object) => ({ object, twin: twinOf(part, 'check', object) })),
    ...foreignKeys.map((object) => ({ object, twin: twinOf(part, 'foreign key', object) })),
    ...referencing.map((object) => ({ object, twin: twinOf(part, 'referencing key', object) })),
  ];
}

interface Placed {
  readonly name: string;
  readonly on: QualifiedName;
}

function twinOf(part: Parts, kind: Parameters<Parts['twin']>[0], { name, on }: Placed): string {
  return part.twin(kind, name, quoteQualified(on));
}

/** The new column takes authority; never a moment without a trigger. */
function turn(part: Parts, versions: readonly FunctionVersion[]): StepCode {
  const { rename } = part;
  return {
    up: [
      part.gate(2),
      ...part.createStragglers(),
      ...part.createSync(2),
      ...part.dropSync(1),
      ...part.moveDefault(rename.from, rename.to),
      ...part.dropForeignKeys(),
      ...part.rebindTriggers('during', 'switched'),
      ...part.rebindDependents('switch', 'to new'),
      ...part.rebindRules('both'),
      ...versions.map(({ name, version }) => call('updateFunction', name, { version, revertToVersion: version - 1 })),
    ],
    down: [
      ...part.returnForeignKeys(),
      ...atOnce([
        ...versions.map(({ name, version }) => call('updateFunction', name, { version: version - 1 })),
        ...part.rebindRules('old'),
        ...part.rebindDependents('switch', 'back'),
        ...part.rebindTriggers('switched', 'during'),
        ...part.createSync(1),
        ...part.dropSync(2),
        ...part.moveDefault(rename.to, rename.from),
        ...part.dropStragglers(),
      ]),
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** In one transaction, where there is anything. */
export function atOnce(body: readonly Code[]): Code[] {
  return body.length === 0 ? [] : [{ kind: 'atomically', body }];
}

/** Sync and old column go, names are restored. Undoing adds old again with its sync at once, then fills and constrains it. */
function contract(part: Parts): StepCode {
  const { on, rename } = part;
  return {
    up: [
      part.gate(3),
      ...part.rebindTriggers('switched', 'after'),
      ...part.dropSync(2),
      ...part.rebindRules('new'),
      ...part.rebindDependents('publications', 'to new'),
      part.replaceColumn(),
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
              ...part.setAside(),
              ...part.renameNotNull(),
              ...part.createStragglers(),
              call('addColumnLike', { on, column: rename.from, like: rename.to }),
              ...part.createSync(2),
              ...part.rebindRules('both'),
              ...part.rebindTriggers('after', 'switched'),
            ],
          },
        ],
      },
      ...part.fill(rename.to, rename.from),
      ...part.restoreOriginals(),
      part.analyze(part.old),
    ],
    constants: part.constants(),
    transaction: true,
    downTransaction: false,
  };
}
