import type { Knex } from 'knex';
import type { BoundObjectName, Rebinding } from '../objects/bound.ts';
import { runAll } from './execute.ts';
import { rebindingOf, swapPositions, withNamesSwapped, withQualifiedNames } from './rebind.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';

/** An object that has to be put aside while what it depends on is away. */
export interface AsideObject extends BoundObjectName {
  /** It is still bound to the column that the primary key leaves, and follows it. */
  readonly waits?: boolean;
}

interface SwappedColumns {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly columns: readonly { readonly from: string; readonly to: string }[];
  readonly dependents: readonly AsideObject[];
}

/**
 * Replaces objects by stubs that depend on nothing, runs something, and makes them again from their own text: those that wait
 * bound to the other columns, before `last`, which drops those that they were bound to; the others after it. In the
 * transaction of the caller, which holds the table's lock.
 * @throws PH2013 when one has to be filled or checked anew and its table is too large.
 */
export async function withDependentsAside(
  knex: Knex,
  { on, columns, dependents }: SwappedColumns,
  body: () => Promise<void>,
  last: () => Promise<void> = async () => undefined,
): Promise<void> {
  await withQualifiedNames(knex, async () => {
    const aside: { waits: boolean; rebinding: Rebinding }[] = [];
    for (const object of dependents) {
      const rebinding = await rebindingOf(knex, on, object);
      if (rebinding.rewrites) await ensureWithinRewriteLimit(knex, object.on ?? on);
      aside.push({ waits: object.waits === true, rebinding });
    }
    const made = (waits: boolean) =>
      aside.filter((one) => one.waits === waits).flatMap(({ rebinding }) => rebinding.make);
    await runAll(
      knex,
      aside.flatMap(({ rebinding }) => rebinding.stub),
    );
    await body();
    const waiting = await swapPositions(knex, { on, columns }, made(true));
    if (waiting.length > 0) await withNamesSwapped(knex, { on, columns }, () => runAll(knex, waiting));
    await last();
    await runAll(knex, made(false));
  });
}
