import { stringify } from 'yaml';
import type { Rename, RenamedFunction } from '../domain/rename.ts';

/** The file's text for a rename. */
export function renderRename({ name, sync, standing, refreshed: _r, copying: _c, ...rest }: Rename): string {
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
      sync: { ...sync, moved: sync.moved ?? 'none', last: sync.last ?? 'none' },
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

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
