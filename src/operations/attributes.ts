import type { Knex } from 'knex';
import { type AttributePair, differingAttributes } from '../catalog/attributes.ts';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { PAIR_ATTRIBUTES, type PairAttribute } from '../domain/pair.ts';
import { onConnection, runAll, runSql } from './execute.ts';
import { setNotNull } from './not-null.ts';

export interface ColumnPair {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Gives a column what another one has, on the table and on each of its partitions, which may differ: storage, compression,
 * statistics target, options, comment, privileges and a default. Catalogue changes only. Not the type, and not NOT NULL.
 * @param only these of them.
 */
export async function copyAttributes(
  knex: Knex,
  columns: ColumnPair,
  only: readonly PairAttribute[] = PAIR_ATTRIBUTES,
): Promise<void> {
  for (const pair of await differences(knex, columns)) {
    if (!only.includes(pair.attribute)) continue;
    await runAll(knex, await statementsFor(knex, columns, pair));
  }
}

/** Makes a column NOT NULL wherever the other one is, on the table or on single partitions. */
export async function copyNotNull(knex: Knex, columns: ColumnPair): Promise<void> {
  for (const { on, attribute, from } of await differences(knex, columns)) {
    if (attribute === 'not null' && from !== null) await setNotNull(knex, { on, column: columns.to });
  }
}

async function differences(knex: Knex, { on, from, to }: ColumnPair): Promise<AttributePair[]> {
  const [table] = await runSql<{ oid: string | null }>(knex, 'SELECT to_regclass($1)::oid::int8::text AS oid', [on]);
  const oid = table?.oid ?? null;
  return oid === null ? [] : onConnection(knex, (db) => differingAttributes(db, Number(oid), from, to));
}

async function statementsFor(knex: Knex, { from, to }: ColumnPair, pair: AttributePair): Promise<string[]> {
  const { on, attribute, from: value } = pair;
  const column = quoteIdent(to);
  const alter = (action: string) => [`ALTER TABLE ONLY ${on} ALTER COLUMN ${column} ${action}`];
  switch (attribute) {
    case 'storage':
      return alter(`SET STORAGE ${value}`);
    case 'compression':
      return alter(`SET COMPRESSION ${value ?? 'default'}`);
    case 'statistics':
      return alter(`SET STATISTICS ${value ?? -1}`);
    case 'options':
      return [...alter('RESET (n_distinct, n_distinct_inherited)'), ...(value === null ? [] : alter(`SET (${value})`))];
    case 'comment':
      return [`COMMENT ON COLUMN ${on}.${column} IS ${value === null ? 'NULL' : quoteLiteral(value)}`];
    case 'default':
      return value === null || value === 'identity' ? [] : alter(`SET DEFAULT ${value}`);
    case 'privileges':
      return [...(await privileges(knex, on, to, 'REVOKE')), ...(await privileges(knex, on, from, 'GRANT', to))];
    case 'security labels':
      return securityLabels(knex, { on, from, to });
    default:
      return [];
  }
}

/** Statements that give a column the labels of another one, by each provider, and take away what that has not. */
async function securityLabels(knex: Knex, { on, from, to }: ColumnPair): Promise<string[]> {
  const rows = await runSql<{ provider: string; label: string | null }>(
    knex,
    `SELECT quote_ident(l.provider) AS provider, max(l.label) FILTER (WHERE a.attname = $2) AS label
     FROM pg_seclabel l JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid
     WHERE l.classoid = 'pg_class'::regclass AND l.objoid = to_regclass($1) AND a.attname IN ($2, $3) GROUP BY 1 ORDER BY 1`,
    [on, from, to],
  );
  return rows.map(
    ({ provider, label }) =>
      `SECURITY LABEL FOR ${provider} ON COLUMN ${on}.${quoteIdent(to)} IS ${label === null ? 'NULL' : quoteLiteral(label)}`,
  );
}

/** Statements that grant what one column's privileges are, or take them away. */
async function privileges(
  knex: Knex,
  on: string,
  column: string,
  action: 'GRANT' | 'REVOKE',
  target = column,
): Promise<string[]> {
  const rows = await runSql<{ privilege: string; grantee: string; grantable: boolean }>(
    knex,
    `SELECT acl.privilege_type AS privilege, acl.is_grantable AS grantable,
       CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee
     FROM pg_attribute a, aclexplode(a.attacl) AS acl WHERE a.attrelid = to_regclass($1) AND a.attname = $2
     ORDER BY acl.grantee::text, acl.privilege_type`,
    [on, column],
  );
  return rows.map(({ privilege, grantee, grantable }) => {
    const what = `${action} ${privilege} (${quoteIdent(target)}) ON ${on}`;
    return action === 'REVOKE'
      ? `${what} FROM ${grantee}`
      : `${what} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`;
  });
}
