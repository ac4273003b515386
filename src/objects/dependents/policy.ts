import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { dependentKind } from './dependent.ts';

export const policy = dependentKind('policy', {
  heading: 'bound to it',
  place: 'table',
  rebinding: readPolicy,
  followsAnew: true,
});

async function readPolicy(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ using: string | null; check: string | null }>(
    db,
    `SELECT pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
     FROM pg_policy WHERE polrelid = to_regclass($1) AND polname = $2`,
    [on, name],
  );
  if (!row) return null;
  const using = row.using === null ? '' : ` USING (${row.using})`;
  const check = row.check === null ? '' : ` WITH CHECK (${row.check})`;
  return { before: [], make: [`ALTER POLICY ${quoteIdent(name)} ON ${on}${using}${check}`], stub: [], rewrites: false };
}
