import type { PairRecord } from '../../domain/pair.ts';
import { isTwinned, partsOf, type Rename, syncedWith, wholeOf } from '../../domain/rename.ts';
import { isTwinName } from '../../domain/twin-name.ts';
import { addCarried, readCarried } from '../../ledger/carried.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { indexOptions } from '../../objects/indexes/code.ts';
import { index } from '../../objects/indexes/index.ts';
import { type ColumnPlace, type ObjectOnColumn, objectsOnColumns } from '../../objects/on-columns.ts';
import { only } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import { createIndex } from '../../operations/indexes.ts';
import { carriedOf } from '../../planner/rename/names.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { connectionOf } from '../../postgres/knex.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import type { Session } from '../session.ts';
import { renewTwins } from './anew.ts';
import { readFactsOf } from './read-facts.ts';
import { remakeSync, syncedPairs } from './sync.ts';

/** Numbers of the indexes and the checks on the old column of each rename that is under way. */
export type KnownObjects = ReadonlyMap<string, ReadonlySet<number>>;

/** Indexes and checks as they are before a migration runs. */
export async function knownObjects({ worker, history }: Session): Promise<KnownObjects> {
  if (history.renames.size === 0) return new Map();
  const records = await readPairs(worker);
  const objects = await objectsOnColumns(worker, records.map(oldColumn));
  return new Map(
    records.map((record) => [record.rename, new Set(onColumn(objects, oldColumn(record)).map(({ oid }) => oid))]),
  );
}

const oldColumn = ({ table, numbers }: PairRecord): ColumnPlace => ({ table, column: numbers.from });

function onColumn(objects: readonly ObjectOnColumn[], { table, column }: ColumnPlace): ObjectOnColumn[] {
  return objects.filter((object) => object.table === table && object.column === column);
}

/**
 * Indexes that a migration has made on the old column of a rename get their counterparts on the new one, built concurrently, and phase 3 gives these the
 * names. What was made by hand is left to the gate of phase 3. Those that it has made anew under their names, and checks, have their counterparts made anew.
 */
export async function followObjects(session: Session, before: KnownObjects, own: string | undefined): Promise<void> {
  if (before.size === 0) return;
  const records = await readPairs(session.worker);
  const columns = records.flatMap(({ table, numbers }) =>
    [numbers.from, numbers.to].map((column) => ({ table, column })),
  );
  const objects = await objectsOnColumns(session.worker, columns);
  const shared = onSeveral(session, records, objects);
  const built = new Set<number>();
  for (const record of records) {
    const rename = session.history.renames.get(record.rename);
    const known = before.get(record.rename);
    if (rename === undefined || known === undefined || wholeOf(rename) === own) continue;
    // Nothing is carried over any more from what a retype has put aside.
    if (rename.retype !== null && record.phase === 2) continue;
    const made = onColumn(objects, oldColumn(record)).filter(({ oid }) => !known.has(oid));
    const parts = partsOf(session.history.renames.values(), wholeOf(rename));
    const carried = new Set(parts.flatMap((part) => [...part.carried, ...part.refreshed]).map(({ name }) => name));
    const fresh = made.filter(({ kind, name }) => kind === index.name && !carried.has(name) && !isTwinName(name));
    const unbuilt = fresh.filter(({ oid }) => !shared.has(oid) && !built.has(oid));
    const names = new Set(unbuilt.map(({ name }) => name));
    for (const { oid } of unbuilt) built.add(oid);
    // The migration stands in any case; a later gate names what has no such counterpart, or makes it.
    const tell = (error: unknown): void =>
      session.options.onEvent({
        type: 'notice',
        message: `${rename.name}: ${made.map(({ name }) => name).join(', ')}: the counterparts on ${rename.to} could not be made: ${reasonOf(error)}`,
      });
    if (made.length > 0) await renewTwins(session, rename, made).catch(tell);
    if (names.size > 0) await buildCounterparts(session, rename, record, names).catch(tell);
  }
}

/** Numbers of indexes over columns of more than one rename: one counterpart would not do. */
function onSeveral(
  { history }: Session,
  records: readonly PairRecord[],
  objects: readonly ObjectOnColumn[],
): Set<number> {
  const wholeAt = (place: ColumnPlace): string[] =>
    records
      .filter(({ table, numbers }) => table === place.table && Object.values(numbers).includes(place.column))
      .map(({ rename }) => wholeOf(history.renames.get(rename) ?? { name: rename, partOf: null }));
  const wholes = new Map<number, Set<string>>();
  for (const object of objects.filter(({ kind }) => kind === index.name)) {
    const known = wholes.get(object.oid) ?? new Set();
    wholes.set(object.oid, new Set([...known, ...wholeAt(object)]));
  }
  return new Set([...wholes].filter(([, names]) => names.size > 1).map(([oid]) => oid));
}

async function buildCounterparts(
  session: Session,
  rename: Rename,
  record: PairRecord,
  names: ReadonlySet<string>,
): Promise<void> {
  const { worker, knex, lock, history, options } = session;
  const all = await readFactsOf(worker, history.renames, rename, 'to new');
  const fresh = all.objects.index.filter(({ name }) => names.has(name));
  const twins = carriedOf({ ...all, objects: only(index, fresh) }, rename.name).filter(isTwinned);
  const renaming = new Renaming(all, { ...rename, carried: twins });
  for (const object of fresh) {
    const name = renaming.twinOf(index, object);
    const build = { name, definition: object.definition, counterpart: object.name };
    await createIndex(knex, indexOptions(renaming, object, build));
    options.onEvent({
      type: 'notice',
      message: `${rename.name}: the index ${object.name} has its counterpart ${name} on ${rename.to} until phase 3.`,
    });
  }
  await addCarried(lock.client, rename.name, twins);
  const renames = history.renames as Map<string, Rename>;
  renames.set(rename.name, { ...rename, refreshed: [...rename.refreshed, ...twins] });
  if (!fresh.some(({ unique }) => unique)) return;
  const synced = syncedWith(history.renames.values(), rename);
  await knex.transaction(async (trx) => {
    const db = await connectionOf(trx);
    await underQualifiedNames(db, async () => remakeSync(trx, await syncedPairs(db, { ...record, rename }, synced)));
  });
}

/**
 * Undoing phase 3 brings back what the files of a rename know: what this database carries besides is built on the old column again, so that it does not count as
 * dropped.
 */
export async function returnIndexes({ worker, knex, history }: Session, name: string | undefined): Promise<void> {
  for (const rename of partsOf(history.renames.values(), name)) {
    if (rename.retype === null) await returnOf({ worker, knex, history }, rename);
  }
}

async function returnOf(
  { worker, knex, history }: Pick<Session, 'worker' | 'knex' | 'history'>,
  rename: Rename,
): Promise<void> {
  const originals = new Map((await readCarried(worker, rename.name)).map((object) => [object.twin, object.name]));
  if (originals.size === 0) return;
  const facts = await readFactsOf(worker, history.renames, rename, 'back');
  const renaming = new Renaming(facts, { ...rename, carried: [] });
  for (const object of facts.objects.index) {
    const name = originals.get(object.name);
    if (name === undefined) continue;
    const build = { name, definition: object.definition, counterpart: object.name };
    await createIndex(knex, indexOptions(renaming, object, build));
  }
}
