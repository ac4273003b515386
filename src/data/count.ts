import { one, type Queryable } from '../postgres/queryable.ts';
import { heapPlace, inPages, type Leaf, leavesOf } from './backfill/leaves.ts';

/** Pages that one statement reads: short enough that no snapshot grows old. */
const PAGES_A_STATEMENT = 8_192;

/**
 * Counts the rows for which a condition holds, in ranges of pages, without locks that anybody would notice. Rows that
 * move while it counts may be counted twice or not at all; a condition that the sync keeps false is false for them.
 * @param connections as many ranges are read at the same time.
 * @param table quoted SQL.
 */
export async function countRows(connections: readonly Queryable[], table: string, where: string): Promise<number> {
  const [first] = connections;
  if (first === undefined) throw new Error('Counting needs a connection.');
  const ranges: string[] = [];
  for (const leaf of await leavesOf(first, table)) ranges.push(...(await rangesOf(first, leaf)));
  let rows = 0;
  let next = 0;
  const count = async (db: Queryable): Promise<void> => {
    for (let range = ranges[next++]; range !== undefined; range = ranges[next++]) {
      const { found } = await one<{ found: string }>(
        db,
        `SELECT pg_catalog.count(*)::text AS found FROM ONLY ${range} AND (${where}\n)`,
      );
      rows += Number(found);
    }
  };
  await Promise.all(connections.map(count));
  return rows;
}

/** Tables with the condition of a range, as SQL. */
async function rangesOf(db: Queryable, leaf: Leaf): Promise<string[]> {
  if (!leaf.hasPages) return [`${leaf.name} WHERE true`];
  const place = await heapPlace(db, leaf.oid);
  const starts = Math.ceil((place?.pages ?? 0) / PAGES_A_STATEMENT);
  return Array.from({ length: starts }, (_, at) => {
    return `${leaf.name} WHERE ${inPages(at * PAGES_A_STATEMENT, (at + 1) * PAGES_A_STATEMENT)}`;
  });
}
