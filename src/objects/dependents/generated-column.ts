import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { refusal } from '../refusal.ts';
import { dependentKind } from './dependent.ts';

/** PostgreSQL changes the expression of a generated column from this version on. */
const SET_EXPRESSION = 170000;

/** Another column of the table that is computed from it. */
export const generatedColumn = dependentKind('generated column', {
  heading: 'bound to it',
  place: 'table',
  rebinding: readGenerated,
  refuse: ({ description, fixed }) =>
    fixed
      ? [
          refusal(
            description,
            'PostgreSQL does not change the expression of a virtual generated column while its table has checks',
          ),
        ]
      : [],
  refuseOn: ({ name }, { serverVersion }) =>
    serverVersion < SET_EXPRESSION
      ? {
          object: `generated column ${quoteIdent(name)}`,
          reason: 'PostgreSQL changes the expression of a generated column from version 17 on',
          instead: 'Drop the generated column in an earlier release and add it again after phase 3.',
        }
      : null,
});

async function readGenerated(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ expression: string; stored: boolean }>(
    db,
    `SELECT pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated = 's' AS stored FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
     WHERE d.adrelid = to_regclass($1) AND a.attname = $2 AND a.attgenerated <> ''`,
    [on, name],
  );
  if (!row) return null;
  const make = [`ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(name)} SET EXPRESSION AS (${row.expression})`];
  return { before: [], make, stub: [], rewrites: row.stored };
}
