import { stringify } from 'yaml';
import { type Change, isMapping, isMove } from '../domain/change.ts';
import type { MappedColumn, Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import type { Rename, RenamedFunction, RenameSync } from '../domain/rename.ts';

/** The text of the file of a change. @param parts of it, as they come with it. */
export function renderChange(change: Change, parts: readonly Rename[] = []): string {
  if (isMapping(change)) return renderMapping(change);
  if (isMove(change)) return renderMove(change);
  return change.retype === null ? renderRename(change, parts) : renderRetype(change, parts);
}

function renderMapping({ name, kind, table, old, fresh, dropped, sync }: Mapping): string {
  const gone = dropped.length === 0 ? {} : { dropped };
  const columns = { old: old.map(mappedColumn), new: fresh.map(mappedColumn) };
  return stringify(
    { change: name, kind, table, ...columns, ...gone, sync: syncAsText(sync) },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function renderMove(move: Move): string {
  const { name, kind, table, from, toTable, to, type, byteEqual, notNull, via, isUnique, missing } = move;
  const { default: standing, dropped, sync, targetSync, unsettled, unlisted } = move;
  return stringify(
    {
      ...{ change: name, kind, table, column: from, toTable, to, type, byteEqual },
      ...(notNull ? { notNull } : {}),
      ...(standing === null ? {} : { default: standing }),
      ...{ via, isUnique, missing },
      ...(dropped.length === 0 ? {} : { dropped }),
      ...{ sync: syncAsText(sync), targetSync: syncAsText(targetSync), unsettled },
      ...(unlisted.length === 0 ? {} : { unlisted }),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function mappedColumn({ name, type, byteEqual, notNull, default: standing, value, onError }: MappedColumn): object {
  return {
    ...{ name, type, byteEqual },
    ...(notNull ? { notNull } : {}),
    ...(standing === null ? {} : { default: standing }),
    ...(value === null ? {} : { value: value.sql }),
    ...(value?.mayFail === true ? { mayFail: true } : {}),
    ...(onError === undefined ? {} : { onError }),
  };
}

function renderRetype(change: Rename, parts: readonly Rename[]): string {
  const others = parts.length === 0 ? {} : { with: parts.map(retypedColumn) };
  return stringify(
    { change: change.name, kind: 'retype', ...retypedColumn(change), ...others },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function retypedColumn({ table, from, to, type, byteEqual, notNull, carried, sync, retype }: Rename): object {
  if (retype === null) throw new TypeError('a part of a retype is one');
  const { forward, back, onError } = retype;
  const mayFail = [...(forward.mayFail ? ['forward'] : []), ...(back.mayFail ? ['back'] : [])];
  return {
    ...{ table, column: from, aside: to, type, toType: retype.type },
    ...{ byteEqual, toByteEqual: retype.byteEqual, forward: forward.sql, back: back.sql },
    ...(mayFail.length === 0 ? {} : { mayFail }),
    ...(onError === undefined ? {} : { onError }),
    ...{ notNull, carried, sync: syncAsText(sync) },
  };
}

function renderRename(rename: Rename, parts: readonly Rename[]): string {
  const { name, table, sync } = rename;
  const others = parts.length === 0 ? {} : { with: parts.map(renamedColumn) };
  return stringify(
    { rename: name, table, ...renamedColumn(rename), sync: syncAsText(sync), ...others },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function renamedColumn({ from, to, type, byteEqual, notNull, carried, versions, ...rest }: Rename): object {
  const { default: kind, standing } = rest;
  const copies = asText(versions);
  return {
    ...{ from, to, type, byteEqual, default: kind },
    ...(standing === null ? {} : { standing }),
    ...{ notNull, carried },
    ...(copies.length === 0 ? {} : { versions: copies }),
  };
}

const syncAsText = (sync: RenameSync): object => ({
  ...sync,
  moved: sync.moved ?? 'none',
  last: sync.last ?? 'none',
});

function asText(functions: readonly RenamedFunction[]): object[] {
  return functions.map(({ signature, file, version, withBase }) => ({
    ...{ signature, file, version: String(version) },
    ...(withBase ? { base: 'scaffolded' } : {}),
  }));
}

/** What a refresh has added of one column. */
type Refreshed = Pick<Rename, 'from' | 'carried' | 'versions' | 'copying'>;

/** The text of the file with what a refresh has added. @param others of columns that are renamed with the first. */
export function renderRefresh(name: string, first: Refreshed, others: readonly Refreshed[]): string {
  const beside = others.map((one) => ({ column: one.from, ...refreshedColumn(one) }));
  return stringify(
    { refreshes: name, ...refreshedColumn(first), ...(beside.length === 0 ? {} : { with: beside }) },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function refreshedColumn({ carried, versions, copying }: Refreshed): object {
  const [migration] = copying;
  return {
    carried,
    ...(versions.length === 0 ? {} : { versions: asText(versions) }),
    ...(migration === undefined ? {} : { copiesAttributes: migration }),
  };
}
