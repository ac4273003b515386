import { stringify } from 'yaml';
import type { Rename, RenamedFunction, RenameSync, Retype } from '../domain/rename.ts';

/** The text of the file of a change. */
export function renderChange(change: Rename): string {
  return change.retype === null ? renderRename(change) : renderRetype(change, change.retype);
}

function renderRetype(
  { name, table, from, to, type, byteEqual, notNull, carried, sync }: Rename,
  into: Retype,
): string {
  const { forward, back } = into;
  const mayFail = [...(forward.mayFail ? ['forward'] : []), ...(back.mayFail ? ['back'] : [])];
  return stringify(
    {
      ...{ change: name, kind: 'retype', table, column: from, aside: to, type, toType: into.type },
      ...{ byteEqual, toByteEqual: into.byteEqual, forward: forward.sql, back: back.sql },
      ...(mayFail.length === 0 ? {} : { mayFail }),
      ...{ notNull, carried, sync: syncAsText(sync) },
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function renderRename({ name, sync, standing, retype: _t, refreshed: _r, copying: _c, ...rest }: Rename): string {
  const { notNull, carried: objects, versions: functions, ...first } = rest;
  const copies = asText(functions);
  return stringify(
    {
      rename: name,
      ...first,
      ...(standing === null ? {} : { standing }),
      notNull,
      carried: objects,
      ...(copies.length === 0 ? {} : { versions: copies }),
      sync: syncAsText(sync),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
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

/** The text of the file with what a refresh has added. */
export function renderRefresh(
  name: string,
  { carried: objects, versions: functions, copying }: Pick<Rename, 'carried' | 'versions' | 'copying'>,
): string {
  const copies = functions.length === 0 ? {} : { versions: asText(functions) };
  const [migration] = copying;
  const attributes = migration === undefined ? {} : { copiesAttributes: migration };
  return stringify(
    { refreshes: name, carried: objects, ...copies, ...attributes },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}
