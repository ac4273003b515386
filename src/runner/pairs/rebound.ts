import { locate } from '../../catalog/locate.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, type Rename } from '../../domain/rename.ts';
import type { BoundObjectName } from '../../objects/bound.ts';
import { boundName } from '../../objects/dependents/aside.ts';
import { readDependents } from '../../objects/dependents/read.ts';
import { boundKind, isBoundName } from '../../objects/registry.ts';
import { rebindDependents } from '../../operations/rebind.ts';
import type { Session } from '../session.ts';

/**
 * Views, policies, rules and functions that phase 2 has bound to the new column, and that were made anew under their names on the old one since, as a
 * script does that runs at each deploy: they are bound to the new column again. Before the gate of phase 3, outside of transactions.
 * @throws PH2013 when one has to be filled anew and the table is too large.
 */
export async function rebindAnew({ knex, options, worker }: Session, rename: Rename): Promise<void> {
  const { table } = await locate(worker, rename.table, rename.from, rename.to);
  if (table === null) return;
  const objects = (await readDependents(worker, table, rename.from))
    .filter(({ kind, needsPrimaryKey, upserts }) => followsAnew(kind) && !needsPrimaryKey && !upserts)
    .map(boundName)
    .filter((object) => isKnown(rename, object));
  if (objects.length === 0) return;
  await rebindDependents(knex, { on: quoteQualified(rename.table), from: rename.from, to: rename.to, objects });
  for (const { kind, name } of objects) {
    options.onEvent({
      type: 'notice',
      message: `${rename.name}: the ${kind} ${name} was made anew, and uses ${rename.to} now.`,
    });
  }
}

function isKnown({ table, carried, refreshed }: Rename, { kind, name, on }: BoundObjectName): boolean {
  return [...carried, ...refreshed].some(
    (object) =>
      !isTwinned(object) &&
      object.kind === kind &&
      object.name === name &&
      (object.on ?? quoteQualified(table)) === (on ?? quoteQualified(table)),
  );
}

function followsAnew(kind: string): boolean {
  return isBoundName(kind) && boundKind(kind).followsAnew === true;
}
