import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { all, type LedgerDb, type Queryable } from '../postgres/queryable.ts';
import { grantOf, isTrusted } from '../postgres/trust.ts';

/**
 * SQL for the row `me` of a role that could make a ledger. One that could not, and only waits for one, has to trust whoever made it and has little to lose.
 */
export const ME_WHO_MIGRATES = `(SELECT oid, rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname = current_user
    AND (rolsuper OR pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'))) AS me`;

/**
 * Whoever owns a schema decides what its tables are, and a view, a policy, a trigger or an index runs code as whoever reads or writes it. So nothing in a
 * schema of ours is touched where its owner is somebody else's role, or everybody may create in it.
 * @throws PH3025
 */
export async function ensureTrustedSchema(db: LedgerDb, schema = db.ledgerSchema): Promise<void> {
  const [stranger] = await all<{ owner: string | null; me: string; grant: string }>(
    db,
    `SELECT CASE WHEN NOT ${isTrusted('n.nspowner', 'me.oid')} THEN pg_catalog.pg_get_userbyid(n.nspowner) END AS owner, me.name AS me, ${grantOf('n.nspowner')} AS grant
     FROM pg_catalog.pg_namespace n, ${ME_WHO_MIGRATES}
     WHERE n.oid = pg_catalog.to_regnamespace($1)::oid
       AND (NOT ${isTrusted('n.nspowner', 'me.oid')} OR pg_catalog.has_schema_privilege('public', n.oid, 'CREATE'))`,
    [quoteIdent(schema)],
  );
  if (stranger !== undefined) throw new PhaseError('PH3025', { what: 'schema', name: quoteIdent(schema), ...stranger });
}

/** The same of one table. @param oid of it; @param name as in SQL. @throws PH3025 */
export async function ensureTrustedTable(db: Queryable, oid: string, name: string): Promise<void> {
  const [stranger] = await all<{ owner: string; me: string; grant: string }>(
    db,
    `SELECT pg_catalog.pg_get_userbyid(c.relowner) AS owner, me.name AS me, ${grantOf('c.relowner')} AS grant FROM pg_catalog.pg_class c, ${ME_WHO_MIGRATES}
     WHERE c.oid = $1::oid AND NOT ${isTrusted('c.relowner', 'me.oid')}`,
    [oid],
  );
  if (stranger !== undefined) throw new PhaseError('PH3025', { what: 'table', name, ...stranger });
}
