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
      SELECT ${me} UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN mine ON mine.oid = m.member)
    SELECT FROM mine WHERE mine.oid = ${owner}))`;
