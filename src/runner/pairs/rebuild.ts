import type { Knex } from 'knex';
import type { Code } from '../../objects/code.ts';
import { byKind } from '../../objects/registry.ts';
import type { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import {
  addConstraint,
  addExclusion,
  addPartitionedUnique,
  addUnique,
  dropConstraint,
  replaceConstraint,
} from '../../operations/constraints.ts';
import { execute } from '../../operations/execute.ts';
import { createIndex, dropIndex, replaceIndex } from '../../operations/indexes.ts';
import type { Stale } from './stale.ts';

/** Makes twins anew, as a migration of the rename would: all go, and are built. Outside of transactions. */
export async function rebuildTwins(knex: Knex, renaming: Renaming, stale: readonly Stale[]): Promise<void> {
  const dropping = stale.toReversed().flatMap(({ kind, now }) => kind.steps.constrain?.down?.(renaming, now) ?? []);
  const building = stale.flatMap(({ kind, now }) => kind.steps.constrain?.up?.(renaming, now) ?? []);
  for (const code of [...dropping, ...building]) await run(knex, code, CALLS);
}

/** Makes a twin anew in the place of the one that is there. Outside of transactions. */
export async function replaceTwin(knex: Knex, renaming: Renaming, { kind, now }: Stale): Promise<void> {
  for (const code of kind.steps.constrain?.up?.(renaming, now) ?? []) await run(knex, code, REPLACING);
}

/** Makes twins for the first time, as a migration of the change would. Outside of transactions. */
export async function buildTwins(knex: Knex, renaming: Renaming, objects: TableFacts['objects']): Promise<void> {
  for (const { kind, objects: found } of byKind(objects))
    for (const object of found)
      for (const code of kind.steps.constrain?.up?.(renaming, object) ?? []) await run(knex, code, CALLS);
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

const REPLACING = { createIndex: replaceIndex, addConstraint: replaceConstraint };

async function run(knex: Knex, code: Code, calls: object): Promise<void> {
  const operations = calls as Readonly<Record<string, (knex: Knex, ...args: unknown[]) => Promise<void>>>;
  const operation = code.kind === 'call' ? operations[code.name] : undefined;
  if (code.kind !== 'call' || operation === undefined) throw new Error(`No twin is made by ${JSON.stringify(code)}.`);
  await operation(knex, ...code.args);
}
