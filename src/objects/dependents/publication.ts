import { quoteIdent } from '../../domain/identifier.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { dependentKind } from './dependent.ts';

/** The column list or filter of a publication, which subscribers get by: it changes with the contract. */
export const publication = dependentKind('publication', {
  heading: 'bound to it',
  place: 'table',
  freed: 'in phase 3',
  rebinding: readPublication,
});

/** DROP and ADD, never SET, which would replace the tables of the whole publication. Column lists came with 15. */
async function readPublication(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const { lists } = await one<{ lists: boolean }>(
    db,
    `SELECT current_setting('server_version_num')::int >= 150000 AS lists`,
  );
  if (!lists) return null;
  const [row] = await all<{ columns: string | null; filter: string | null; partitioned: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.prrelid AND c.relkind = 'p') AS partitioned, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS k(number, place)
         JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.number) AS columns,
       pg_get_expr(r.prqual, r.prrelid) AS filter
     FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = to_regclass($1) AND p.pubname = $2`,
    [on, name],
  );
  if (!row) return null;
  const columns = row.columns === null ? '' : ` (${row.columns})`;
  const filter = row.filter === null ? '' : ` WHERE (${row.filter})`;
  // Children are published by themselves, and each has its own list.
  const table = row.partitioned ? on : `ONLY ${on}`;
  return {
    before: [`ALTER PUBLICATION ${quoteIdent(name)} DROP TABLE ${table}`],
    make: [`ALTER PUBLICATION ${quoteIdent(name)} ADD TABLE ${table}${columns}${filter}`],
    stub: [],
    rewrites: false,
  };
}
