import type pg from 'pg';
import { parse } from '../postgres/parser.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { isWithinTransaction } from '../postgres/session.ts';

/** Other texts are not even parsed. */
const ABOUT_ROLES = /\b(?:CREATE|DROP|ALTER)\s+(?:ROLE|USER|GROUP)\b/i;

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
  const statements = await aboutRoles(script);
  if (statements.length === 0) return script;
  const made = statements.flatMap(({ makes }) => (makes === null ? [] : [makes]));
  if (made.length > 0 && isInTransaction) await waitForOthers(db);
  const known = await all<{ name: string }>(
    db,
    'SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname::text = ANY ($1)',
    [made],
  );
  const isLeftOut = ({ makes }: RoleStatement): boolean => makes === null || known.some(({ name }) => name === makes);
  let left = Buffer.from(script, 'utf8');
  // From the end, so that what stands in front keeps its place.
  for (const { from, to } of statements.filter(isLeftOut).reverse()) {
    left = Buffer.concat([left.subarray(0, from), left.subarray(to)]);
  }
  return left.toString('utf8');
}

/** A statement of a script, by the bytes that it begins and ends at. */
interface RoleStatement {
  readonly from: number;
  readonly to: number;
  /** The role that it makes; null for one that drops some. */
  readonly makes: string | null;
}

async function aboutRoles(script: string): Promise<RoleStatement[]> {
  try {
    const { stmts = [] } = await parse(script);
    const length = Buffer.byteLength(script, 'utf8');
    return stmts.flatMap(({ stmt, stmt_location: from = 0, stmt_len: size = 0 }) => {
      if (!stmt) return [];
      const isRenamed = 'RenameStmt' in stmt && stmt.RenameStmt.renameType === 'OBJECT_ROLE';
      if (!('CreateRoleStmt' in stmt || 'DropRoleStmt' in stmt || isRenamed)) return [];
      // A rename to one that is there has been done before.
      const renamed = 'RenameStmt' in stmt ? (stmt.RenameStmt.newname ?? '') : null;
      const makes = 'CreateRoleStmt' in stmt ? (stmt.CreateRoleStmt.role ?? '') : renamed;
      // With the semicolon behind it.
      return [{ from, to: size === 0 ? length : Math.min(from + size + 1, length), makes }];
    });
  } catch {
    return byTheirWords(script);
  }
}

/** What runs on an older server may be no SQL for a newer parser, for a word that was reserved since. */
function byTheirWords(script: string): RoleStatement[] {
  const found = script.matchAll(
    /\b(CREATE|DROP)\s+(?:ROLE|USER(?!\s+MAPPING)|GROUP)\s+("(?:[^"]|"")+"|[\w$]+)[^;]*;?/gi,
  );
  return [...found].map(({ index, 0: text, 1: verb = '', 2: name = '' }) => {
    const from = Buffer.byteLength(script.slice(0, index), 'utf8');
    const role = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
    return { from, to: from + Buffer.byteLength(text, 'utf8'), makes: /create/i.test(verb) ? role : null };
  });
}

/** Two that find no role of a name would both make it. Only a superuser may lock the catalogue of roles. */
async function waitForOthers(db: Queryable): Promise<void> {
  const { may } = await one<{ may: boolean }>(
    db,
    `SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'UPDATE') AS may`,
  );
  if (may) await db.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE');
}
