import { after } from '../../catalog/scratch.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { dependentKind } from './dependent.ts';
import { withoutSemicolon } from './texts.ts';

/** A rule of another table or view. */
export const rule = dependentKind('rule', {
  heading: 'bound to it',
  place: 'table',
  rebinding: readRule,
  followsAnew: true,
});

async function readRule(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; event: string }>(
    db,
    `SELECT pg_get_ruledef(r.oid) AS definition, CASE r.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END AS event
     FROM pg_rewrite r WHERE r.ev_class = to_regclass($1) AND r.rulename = $2`,
    [on, name],
  );
  const tail = row ? after(row.definition, 'CREATE RULE ') : null;
  if (!row || tail === null) return null;
  return {
    before: [],
    make: [`CREATE OR REPLACE RULE ${withoutSemicolon(tail)}`],
    stub: [`CREATE OR REPLACE RULE ${quoteIdent(name)} AS ON ${row.event} TO ${on} DO INSTEAD NOTHING`],
    rewrites: false,
  };
}
