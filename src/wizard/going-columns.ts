import type { ListedTable } from '../catalog/find-table.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import type { RefusedKind, RenameSync } from '../domain/rename.ts';
import type { readDropped } from '../objects/dropping.ts';
import { Renaming } from '../objects/renaming.ts';
import type { TableFacts } from '../objects/table-facts.ts';

/** That of a change which is not planned yet. */
export const NO_SYNC: RenameSync = {
  ...{ functions: [], triggers: [], moved: null, last: null, stragglers: { count: '', last: '' } },
};

/** An old column as it is to be added again: its default comes afterwards, so that no row is filled by it. */
export function originalOf(facts: TableFacts, type: string): Renaming {
  const { column, table } = facts;
  return new Renaming(
    { ...facts, column: { ...column, default: null } },
    {
      ...{ name: '', table, from: column.name, to: column.name, type, byteEqual: column.byteEqual, sync: NO_SYNC },
      ...{ default: 'none', standing: null, notNull: false, carried: [], refreshed: [], versions: [] },
      ...{ copying: [], retype: null, partOf: null },
    },
  );
}

/** @throws PH1015 for a name that nothing has, PH2001 for what nobody has answered for. */
export function ensureAnswered(
  table: ListedTable,
  { kind, old }: { readonly kind: RefusedKind; readonly old: readonly string[] },
  { refused, strange }: Awaited<ReturnType<typeof readDropped>>,
): void {
  const [first] = strange;
  if (first !== undefined) {
    const allowed = `the name of one thing that hangs on ${old.join(' or ')}, with its kind before it where several are called so: 'index ${first}'`;
    throw new PhaseError('PH1015', { what: '--drop', value: first, allowed });
  }
  if (refused.length > 0)
    throw new PhaseError('PH2001', { table: quoteQualified(table), column: old.join(', '), kind, objects: refused });
}
