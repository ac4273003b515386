import type { Knex } from 'knex';
import type { ConstraintFacts, StatisticsFacts, TableFacts, UniqueFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, type Rename, type TwinnedObject } from '../../domain/rename.ts';
import {
  addConstraint,
  addExclusion,
  addPartitionedUnique,
  addUnique,
  dropConstraint,
} from '../../operations/constraints.ts';
import { execute } from '../../operations/execute.ts';
import { createIndex, dropIndex } from '../../operations/indexes.ts';
import type { Code } from '../../planner/code.ts';
import { Parts } from '../../planner/rename/parts/parts.ts';
import { buildTwins, dropTwins } from '../../planner/rename/steps.ts';

/** What hangs on both columns of a rename, as it is now: what the old one has, and what the new one has, its definitions rewritten for the other. */
export interface BothSides {
  readonly originals: TableFacts;
  readonly twins: TableFacts;
}

/**
 * Keys, constraints and statistics that were made anew under their names as something else: phase 3 would set them back to what they were. Only such objects are
 * left of the facts.
 * @param isGone whether the twin of one was dropped with it; one that is missing otherwise is for the gate to refuse.
 */
export function madeAnew(
  rename: Rename,
  { originals, twins }: BothSides,
  isGone: (object: TwinnedObject) => boolean,
): TableFacts {
  const home = quoteQualified(rename.table);
  const carried = [...rename.carried, ...rename.refreshed].filter(isTwinned);
  const isStale =
    <T extends Comparable>(kind: TwinnedObject['kind'], among: readonly T[], same: (a: T, b: T) => boolean) =>
    (now: T): boolean => {
      const place = (object: Comparable): string =>
        'schema' in object ? quoteIdent(object.schema) : quoteQualified(object.on);
      const object = carried.find(
        (one) => one.kind === kind && one.name === now.name && (one.on ?? home) === place(now),
      );
      if (object === undefined) return false;
      const before = among.find((one) => one.name === object.twin && place(one) === place(now));
      return before === undefined ? isGone(object) : !same(now, before);
    };
  const { uniques, primaryKeys, exclusions, foreignKeys, referencing, statistics } = originals;
  return {
    ...originals,
    indexes: [],
    checks: [],
    uniques: uniques.filter(isStale('unique', twins.uniques, isSameUnique)),
    // Of a partitioned table there are indexes on the leaves alone.
    primaryKeys: originals.partitioned
      ? []
      : primaryKeys.filter(isStale('primary key', twins.indexes as readonly UniqueFacts[], isSame)),
    exclusions: exclusions.filter(isStale('exclusion', twins.exclusions, isSame)),
    foreignKeys: foreignKeys.filter(isStale('foreign key', twins.foreignKeys, isSameKey)),
    referencing: referencing.filter(isStale('referencing key', twins.referencing, isSameKey)),
    statistics: statistics.filter(isStale('statistics', twins.statistics, isSame)),
  };
}

type Comparable = UniqueFacts | ConstraintFacts | StatisticsFacts;

/** An original, rewritten for the new column, and a twin as it is. */
function isSame(original: Comparable, twin: Comparable): boolean {
  return original.definition === twin.original;
}

function isSameUnique(original: UniqueFacts, twin: UniqueFacts): boolean {
  const { deferrable, initiallyDeferred } = twin;
  return (
    isSame(original, twin) && original.deferrable === deferrable && original.initiallyDeferred === initiallyDeferred
  );
}

function isSameKey(original: ConstraintFacts, twin: ConstraintFacts): boolean {
  return isSame(original, twin) && original.enforced === twin.enforced;
}

/** Names of what `madeAnew` has left. */
export function namesOf(facts: TableFacts): string[] {
  const { uniques, primaryKeys, exclusions, foreignKeys, referencing, statistics } = facts;
  return [...uniques, ...primaryKeys, ...exclusions, ...foreignKeys, ...referencing, ...statistics].map(
    ({ name }) => name,
  );
}

/** Makes the twins of objects anew, as a migration of the rename would. Outside of transactions. */
export async function rebuildTwins(knex: Knex, facts: TableFacts, rename: Rename): Promise<void> {
  const part = new Parts(facts, { ...rename, carried: [...rename.carried, ...rename.refreshed] });
  for (const code of [...dropTwins(part), ...buildTwins(part)]) await run(knex, code);
}

const CALLS = {
  addConstraint,
  addExclusion,
  addPartitionedUnique,
  addUnique,
  createIndex,
  dropConstraint,
  dropIndex,
  execute,
};

async function run(knex: Knex, code: Code): Promise<void> {
  if (code.kind !== 'call' || !(code.name in CALLS)) throw new Error(`No twin is made by ${JSON.stringify(code)}.`);
  const operation = CALLS[code.name as keyof typeof CALLS] as (knex: Knex, ...args: unknown[]) => Promise<void>;
  await operation(knex, ...code.args);
}
