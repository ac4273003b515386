import { formatSqlStatements } from '@supabase/pg-delta/sql-format';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import type { Schema } from './facts.ts';
import type { Statement } from './statement.ts';
import { statementsBetween } from './statements.ts';

const HEADER = `-- The schema that all migrations give. phase dump writes this file: change migrations, and not it.
-- It is loaded by phase db load, or by: psql -v ON_ERROR_STOP=1 --single-transaction -f

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET client_min_messages = warning;
SELECT pg_catalog.set_config('search_path', '', false);`;

const LEDGER = `-- The ledger, and what has run in it: nothing that this schema has runs once more.`;

/** A schema as a migration that makes it in an empty database. @param empty what an empty database has. */
export async function baselineOf(schema: Schema, empty: Schema): Promise<string> {
  const statements = await statementsBetween(empty, schema);
  const parts = [
    'SET LOCAL check_function_bodies = off;',
    ...rolesOf(schema, statements),
    ...statements.map((statement) => `${formatted(statement)};`),
  ];
  return `${parts.join('\n\n')}\n`;
}

/**
 * A schema as a script that makes it in an empty database. The same schema gives the same text on every version of PostgreSQL.
 * @param empty what an empty database has.
 * @param ledger statements that make the ledger.
 */
export async function structureOf(schema: Schema, empty: Schema, ledger: readonly string[]): Promise<string> {
  const statements = await statementsBetween(empty, schema);
  const parts = [HEADER, ...rolesOf(schema, statements), ...statements.map((statement) => `${formatted(statement)};`)];
  const scripts = ledger.length === 0 ? [] : [LEDGER, ...ledger.map((script) => script.trim())];
  return `${[...parts, ...scripts].join('\n\n')}\n`;
}

/** Statements that name roles as such. */
const NAMES_ROLES =
  /^(?:GRANT|REVOKE|CREATE POLICY|ALTER DEFAULT PRIVILEGES|ALTER .* OWNER TO|CREATE SCHEMA .* AUTHORIZATION)\b/s;

/** Roles are the server's: those that are missing are made, and may do nothing but what is granted here. */
export function rolesOf({ roles }: Schema, statements: readonly Statement[]): string[] {
  const naming = statements.filter(({ sql }) => NAMES_ROLES.test(sql));
  const named = roles.filter((role) => naming.some(({ sql }) => sql.includes(` "${role.replaceAll('"', '""')}"`)));
  if (named.length === 0) return [];
  const make = named.sort().map(
    (role) => `  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(role)}) THEN
    CREATE ROLE ${quoteIdent(role)};
  END IF;`,
  );
  return [`DO $roles$\nBEGIN\n${make.join('\n')}\nEND\n$roles$;`];
}

/** Bodies and queries stay as they are. */
const FORMAT = {
  keywordCase: 'preserve',
  maxWidth: 1_000,
  alignColumns: false,
  alignKeyValues: false,
  preserveRoutineBodies: true,
  preserveViewBodies: true,
  preserveRuleBodies: true,
} as const;

/** A statement as people like to read it, without its semicolon. */
export function formatted({ sql }: Pick<Statement, 'sql'>): string {
  const [text = sql] = formatSqlStatements([withoutUsual(sql)], FORMAT);
  return text;
}

const USUAL_SEQUENCE =
  / (?:INCREMENT BY 1|MINVALUE 1|MAXVALUE (?:9223372036854775807|2147483647|32767)|START WITH 1|CACHE 1|NO CYCLE)(?= |$)/g;

/** What a sequence is anyway. */
function withoutUsual(sql: string): string {
  if (!/^CREATE SEQUENCE .* INCREMENT BY 1 /.test(sql)) return sql;
  const largest =
    { smallint: '32767', integer: '2147483647' }[/ AS (\w+) /.exec(sql)?.[1] ?? ''] ?? '9223372036854775807';
  return sql
    .replace(USUAL_SEQUENCE, (part) => (part.startsWith(' MAXVALUE') && part !== ` MAXVALUE ${largest}` ? part : ''))
    .replace(/ AS bigint$/, '');
}
