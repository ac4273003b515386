import { sqlQuoted } from './names.ts';

/** SQL for the oid of the role that asks. */
export const ME = '(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)';

/** Who made a role is a member of it from version 16 on, without either of these: that gives away nothing. */
const GIVEN = `(coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, true) OR coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true))`;

/**
 * SQL that is true for a role which whoever asks trusts with its own rights: itself, one that it is made a member of, and one that may do all that it may, such
 * as a superuser. Of a superuser PostgreSQL says that it is a member of every role: only grants count.
 *
 * A relation's owner can have code run as whoever reads it: by a view, a policy, an index whose expression is evaluated when a query is planned.
 * @param owner oid of the role; @param me oid of the role that asks.
 */
export const isTrusted = (
  owner: string,
  me: string,
): string => `(pg_catalog.pg_has_role(${owner}, ${me}, 'MEMBER') OR EXISTS (
    WITH RECURSIVE mine(oid) AS (
      SELECT ${me} UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN mine ON mine.oid = m.member AND ${GIVEN})
    SELECT FROM mine WHERE mine.oid = ${owner}))`;

/** SQL for the statement that gives a role's rights to the one that asks; a member in name alone gets them by INHERIT, from version 16 on. */
export const grantOf = (
  owner: string,
): string => `'GRANT ' || ${sqlQuoted(`pg_catalog.pg_get_userbyid(${owner})::text`)} || ' TO ' || ${sqlQuoted('current_user::text')} ||
    CASE WHEN pg_catalog.current_setting('server_version_num')::int4 >= 160000 AND EXISTS (
      SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = ${owner} AND m.member = ${ME}) THEN ' WITH INHERIT TRUE' ELSE '' END`;
