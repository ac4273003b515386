import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import type { Course } from '../../ledger/checkpoint.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { estimatedRows, KeyWalk, walkableKey } from './key-walk.ts';
import type { HeapPlace, Leaf } from './leaves.ts';
import { indexUse, PageWalk } from './page-walk.ts';
import type { Walk } from './walk.ts';

/** By pages where there are any, unless keys are asked for; a walk that goes on stays what it was. */
export async function walkOf(
  db: Queryable,
  leaf: Leaf,
  { columns, walk }: { readonly columns: readonly string[]; readonly walk: Walk['kind'] | undefined },
  known: Course | null,
  place: HeapPlace,
): Promise<Walk> {
  const kind = known?.walk ?? walk ?? (leaf.hasPages ? 'pages' : 'keys');
  if (kind === 'pages') {
    const pages = known === null ? place.pages : Number(known.endAt?.[0] ?? 0);
    return new PageWalk(pages, await indexUse(db, leaf, columns));
  }
  const key = await walkableKey(db, leaf);
  if (key === null) throw new PhaseError('PH2017', { table: leaf.name, reason: 'It has no key to walk by.' });
  const moved = key.find(({ name }) => columns.includes(name));
  if (moved) {
    const reason = `The walk is by the key, and ${quoteIdent(moved.name)}, which is set, belongs to it.`;
    throw new PhaseError('PH2017', { table: leaf.name, reason });
  }
  return new KeyWalk(leaf, key, await estimatedRows(db, leaf));
}
