import { PhaseError } from '../domain/errors/phase-error.ts';
import { sqlQualified, sqlQuoted } from '../postgres/names.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { grantOf, isTrusted, ME } from '../postgres/trust.ts';
import { treeOf } from './tree.ts';

/** What runs code of a role that is not trusted, when rows of a table are written. */
interface ForeignCode {
  /** In words, such as `trigger "stamp" of "public"."users" (function theirs.stamp())`. */
  readonly object: string;
  readonly owner: string;
  /** The statement that says that it is trusted. */
  readonly grant: string;
}

/** Which triggers are meant: one of them, or those that fire for an update; in a session that keeps all triggers quiet that it can, or not. */
type Meant = { readonly name: string } | { readonly isQuiet: boolean };

const FOREIGN = `${treeOf('$1::oid')},
  parts AS MATERIALIZED (
    SELECT c.oid, c.relowner AS owner, root.relowner AS root_owner, ${sqlQualified('n', 'c')} AS name
    FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class root ON root.oid = $1::oid),
  uses AS MATERIALIZED (
    SELECT 'trigger ' || ${sqlQuoted('t.tgname')} || ' of ' || p.name || ' (' || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0) || ')' AS object, p.root_owner,
      CASE d.refclassid
        WHEN 'pg_catalog.pg_proc'::regclass THEN (SELECT proowner FROM pg_catalog.pg_proc WHERE oid = d.refobjid)
        WHEN 'pg_catalog.pg_operator'::regclass THEN (SELECT oprowner FROM pg_catalog.pg_operator WHERE oid = d.refobjid)
        WHEN 'pg_catalog.pg_type'::regclass THEN (SELECT typowner FROM pg_catalog.pg_type WHERE oid = d.refobjid)
      END AS owner
    FROM parts p
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = p.oid AND NOT t.tgisinternal AND (t.tgname = $2 OR t.tgenabled = ANY ($3) AND t.tgtype & 16 = 16)
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid
    UNION ALL SELECT 'table ' || name, root_owner, owner FROM parts)
  SELECT DISTINCT u.object, pg_catalog.pg_get_userbyid(u.owner) AS owner, ${grantOf('u.owner')} AS grant FROM uses u
  WHERE u.owner <> u.root_owner AND NOT pg_catalog.pg_has_role(u.owner, u.root_owner, 'MEMBER') AND NOT ${isTrusted('u.owner', ME)} ORDER BY 1`;

/**
 * Triggers run with the rights of whoever writes. One of a table, its partitions or its children that runs a function of a role which may neither do what the
 * table's owner may nor is trusted, or whose condition uses a function, an operator or a type of such a role, is refused: whoever was given TRIGGER on a table may
 * make one, and whoever may create in its schema may be there before a function of ours. So is a partition or a child that belongs to such a role.
 * @param table as the session finds it; of one that is not there others speak.
 * @throws PH2022
 */
export async function ensureTrustedCode(db: Queryable, table: string, meant: Meant): Promise<void> {
  const { oid, me } = await one<{ oid: string | null; me: string }>(
    db,
    'SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text AS oid, current_user::pg_catalog.text AS me',
    [table],
  );
  if (oid === null) return;
  const which = 'name' in meant ? [meant.name, []] : [null, ['A', meant.isQuiet ? 'R' : 'O']];
  const objects = await underQualifiedNames(db, () => all<ForeignCode>(db, FOREIGN, [oid, ...which]));
  if (objects.length > 0) throw new PhaseError('PH2022', { table, objects, me });
}
