import type { Queryable } from '../../postgres/queryable.ts';
import type { Statement } from './source.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows that a statement would change, as PostgreSQL's planner estimates them from its statistics. */
export async function estimateChange(db: Queryable, { sql, values }: Statement): Promise<number> {
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`EXPLAIN (FORMAT JSON) ${sql}`, [...values]);
  return rows[0] === undefined ? 0 : changedBy(rows[0]['QUERY PLAN'][0].Plan);
}

function changedBy(node: PlanNode): number {
  const below = (node.Plans ?? []).map(changedBy);
  const own = node['Node Type'] === 'ModifyTable' ? (node.Plans ?? []).map((plan) => plan['Plan Rows']) : [];
  return Math.max(0, ...below, ...own);
}
