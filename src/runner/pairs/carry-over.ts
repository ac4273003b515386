import { findTable } from '../../catalog/find-table.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, partsOf, type Rename, wholeOf } from '../../domain/rename.ts';
import { addCarried } from '../../ledger/carried.ts';
import { byKind, kindOf } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import { readTableFacts, type TableFacts } from '../../objects/table-facts.ts';
import { carriedOf } from '../../planner/rename/names.ts';
import type { Session } from '../session.ts';
import { readFactsOf } from './read-facts.ts';
import { buildTwins } from './rebuild.ts';

/**
 * What hangs on a column before a retype exchanges it, and the change knows nothing of, since production may have what development has not: it gets its
 * counterpart on the new column, as all else had, and changes places with it.
 */
export async function carryOverRest(session: Session, change: Rename): Promise<void> {
  const { worker, knex, lock, history, options } = session;
  const all = await readFactsOf(worker, history.renames, change, 'to new');
  const parts = partsOf(history.renames.values(), wholeOf(change));
  // What was carried over besides before, and gone back since, is built again where it is not there.
  const inFiles = new Set(parts.flatMap((part) => keysOf({ ...part, refreshed: [] })));
  const besides = parts.filter(({ name }) => name !== change.name).flatMap(keysOf);
  const objects = onlyTwins(all, (key) => !inFiles.has(key) && !besides.includes(key));
  const found = carriedOf({ ...all, objects }, change.name).filter(isTwinned);
  if (found.length === 0) return;
  await buildTwins(knex, new Renaming({ ...all, objects }, { ...change, carried: found }), objects);
  const known = new Set(keysOf(change));
  const twins = found.filter((object) =>
    keysOf({ ...change, carried: [object], refreshed: [] }).every((key) => !known.has(key)),
  );
  if (twins.length === 0) return;
  await addCarried(lock.client, change.name, twins);
  const changes = history.renames as Map<string, Rename>;
  changes.set(change.name, { ...change, refreshed: [...change.refreshed, ...twins] });
  const names = twins.map(({ name }) => name).join(', ');
  options.onEvent({
    type: 'notice',
    message: `${change.name}: ${names}: not known to it, and carried over to ${change.to} all the same.`,
  });
}

/** Those of a table's objects that have twins, and whose key passes; a primary key moves by itself. */
function onlyTwins(all: TableFacts, isMeant: (key: string) => boolean): TableFacts['objects'] {
  const kept = byKind(all.objects).map(({ kind, objects }) => [
    kind.name,
    kind.carried === 'twin' && kind.goes !== 'with the primary key'
      ? objects.filter((object) => isMeant(`${kind.family} ${kind.placeOf(object)} ${object.name}`))
      : [],
  ]);
  return Object.fromEntries(kept) as unknown as TableFacts['objects'];
}

/** What a change carries over, by family, place and name. */
const keysOf = ({ table, carried, refreshed }: Rename): string[] =>
  [...carried, ...refreshed]
    .filter(isTwinned)
    .flatMap(({ kind, name, twin, on = quoteQualified(table) }) =>
      [name, twin].map((one) => `${kindOf(kind).family} ${on} ${one}`),
    );

/**
 * The same before the exchange of a retype is undone: what this database carries besides is built on the column that has gone aside, whose names are exchanged
 * back then.
 */
export async function returnAside({ worker, knex }: Session, change: Rename): Promise<void> {
  const twins = change.refreshed.filter(isTwinned);
  if (change.retype === null || twins.length === 0) return;
  const table = await findTable(worker, quoteQualified(change.table));
  const all = await readTableFacts(worker, table, { from: change.from, to: change.to });
  const own = new Set(keysOf({ ...change, carried: [] }));
  const objects = onlyTwins(all, (key) => own.has(key));
  await buildTwins(knex, new Renaming({ ...all, objects }, { ...change, carried: twins }), objects);
}
