import type { Queryable } from '../postgres/queryable.ts';
import { one } from '../postgres/queryable.ts';
import { heapPlace, inPages, leavesOf } from './walk.ts';

/** Pages that one statement reads: short enough that no snapshot grows old. */
const PAGES_A_STATEMENT = 8_192;

/**
 * Counts the rows for which a condition holds, in ranges of pages, without locks that anybody would notice. Rows that
 * move while it counts may be counted twice or not at all; a condition that the sync keeps false is false for them.
 * @param table quoted SQL.
 */
export async function countRows(db: Queryable, table: string, where: string): Promise<number> {
  let rows = 0;
  for (const leaf of await leavesOf(db, table)) {
    const place = await heapPlace(db, leaf.oid);
    for (let page = 0; page < (place?.pages ?? 0); page += PAGES_A_STATEMENT) {
      const { found } = await one<{ found: string }>(
        db,
        `SELECT count(*)::text AS found FROM ONLY ${leaf.name} WHERE ${inPages(page, page + PAGES_A_STATEMENT)} AND (${where})`,
      );
      rows += Number(found);
    }
  }
  return rows;
}
