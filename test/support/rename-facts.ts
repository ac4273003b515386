import type { Rename } from '../../src/domain/rename.ts';

/** The facts of a rename of a plain text column of a table in `public`. */
export function renameFacts(
  { name, table, from, to }: { name: string; table: string; from: string; to: string },
  more: Partial<Rename> = {},
): Rename {
  return {
    name,
    table: { schema: 'public', name: table },
    from,
    to,
    type: 'text',
    byteEqual: true,
    default: 'none',
    standing: null,
    notNull: false,
    carried: [],
    refreshed: [],
    versions: [],
    copying: [],
    retype: null,
    partOf: null,
    sync: { functions: ['', ''], triggers: ['', ''], moved: null, last: null, stragglers: { count: '', last: '' } },
    ...more,
  };
}
