import { quoteQualified } from '../../domain/identifier.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import type { Statement } from './source.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly Operation?: string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** What a statement is going to do, as far as PostgreSQL's planner can tell. */
export interface ExpectedChange {
  /** Rows that it would change, as estimated from statistics. */
  readonly rows: number;
  /** The table whose rows it gives back, quoted, and the command; null where it is not one command on one table. */
  readonly target: { readonly table: string; readonly command: string } | null;
}

export async function expectedChange(db: Queryable, { sql, values }: Statement): Promise<ExpectedChange> {
  const explain = `EXPLAIN (VERBOSE, FORMAT JSON) ${sql}`;
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(explain, [...values]);
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  return plan === undefined ? { rows: 0, target: null } : { rows: changedBy(plan), target: targetOf(plan) };
}

function targetOf({ 'Node Type': node, Operation: operation, Schema: schema, 'Relation Name': name }: PlanNode) {
  if (node !== 'ModifyTable' || operation === undefined || schema === undefined || name === undefined) return null;
  return { table: quoteQualified({ schema, name }), command: operation.toUpperCase() };
}

function changedBy(node: PlanNode): number {
  const below = (node.Plans ?? []).map(changedBy);
  const own = node['Node Type'] === 'ModifyTable' ? (node.Plans ?? []).map((plan) => plan['Plan Rows']) : [];
  return Math.max(0, ...below, ...own);
}
