import type pg from 'pg';
import { parse } from '../postgres/parser.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { isWithinTransaction } from '../postgres/session.ts';

/** Of what is not parsed nothing is changed. */
const ABOUT_ROLES = /\b(?:CREATE|DROP)\s+(?:ROLE|USER|GROUP)\b/i;

type Callback = (error: unknown, result?: unknown) => void;

/**
 * Lets migrations that make roles run again. Roles are the server's and not the database's: those of an earlier replay, or of somebody else on that server,
 * are there already, and what is kept of other replays may need those that a migration drops. Such statements are left out.
 */
export function passKnownRoles(client: pg.Client): void {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown;
  const own = { query } as unknown as Queryable;
  const replaced = (given: unknown, ...rest: unknown[]): unknown => {
    const text = typeof given === 'string' ? given : (given as { text?: unknown }).text;
    if (typeof text !== 'string' || !ABOUT_ROLES.test(text)) return query(given, ...rest);
    const last = rest.at(-1);
    const callback = typeof last === 'function' ? (last as Callback) : null;
    const values = callback === null ? rest : rest.slice(0, -1);
    const answer = withoutKnownRoles(own, text, isWithinTransaction(client)).then((left) =>
      query(typeof given === 'string' ? left : { ...(given as object), text: left }, ...values),
    );
    if (callback === null) return answer;
    return void answer.then((result) => callback(null, result), callback);
  };
  client.query = replaced as typeof client.query;
}

/**
 * A script without the statements that make roles that are there, or drop any.
 * @param isInTransaction whether another replay can be kept from making the same role until the transaction ends.
 */
export async function withoutKnownRoles(db: Queryable, script: string, isInTransaction: boolean): Promise<string> {
  const { stmts = [] } = await parse(script).catch(() => ({ stmts: [] as never[] }));
  const made = stmts.flatMap(({ stmt }) => (stmt && 'CreateRoleStmt' in stmt ? [stmt.CreateRoleStmt.role ?? ''] : []));
  const drops = stmts.some(({ stmt }) => stmt && 'DropRoleStmt' in stmt);
  if (made.length === 0 && !drops) return script;
  if (made.length > 0 && isInTransaction) await waitForOthers(db);
  const known = new Set(
    (
      await all<{ name: string }>(
        db,
        'SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname::text = ANY ($1)',
        [made],
      )
    ).map(({ name }) => name),
  );
  const bytes = Buffer.from(script, 'utf8');
  return stmts
    .filter(({ stmt }) => {
      if (stmt && 'DropRoleStmt' in stmt) return false;
      return !(stmt && 'CreateRoleStmt' in stmt) || !known.has(stmt.CreateRoleStmt.role ?? '');
    })
    .map(({ stmt_location: start = 0, stmt_len: length = 0 }) =>
      bytes.subarray(start, length === 0 ? bytes.length : start + length).toString('utf8'),
    )
    .join(';\n');
}

/** Two that find no role of a name would both make it. Only a superuser may lock the catalogue of roles. */
async function waitForOthers(db: Queryable): Promise<void> {
  const { may } = await one<{ may: boolean }>(
    db,
    `SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'UPDATE') AS may`,
  );
  if (may) await db.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE');
}
