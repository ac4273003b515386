import { quoteLiteral } from '../../domain/identifier.ts';

/**
 * Default privileges (ALTER DEFAULT PRIVILEGES ... GRANT ... ON TABLES TO app) gave the ledger to the application like any other table, and who may write it can
 * have statements of its choice run by the next backfill. A ledger that is made now is its owner's alone, and so is a schema that is made for it; of one that is
 * there nobody else may write any more, and who was given SELECT, to wait, say, keeps it.
 */
export const toFormat7 = (ledger: string): string => `
DO $revoke$
DECLARE
  given record;
  is_new boolean := NOT EXISTS (SELECT FROM ${ledger}.ledger);
BEGIN
  FOR given IN
    SELECT DISTINCT 'SCHEMA' AS kind, n.oid::regnamespace::text AS name, a.grantee, 'CREATE' AS what
    FROM pg_catalog.pg_namespace n, LATERAL pg_catalog.aclexplode(n.nspacl) AS a
    WHERE n.oid = ${quoteLiteral(ledger)}::regnamespace AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE'
      AND n.xmin = pg_catalog.pg_current_xact_id()::xid
    UNION ALL
    SELECT DISTINCT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, a.grantee, a.privilege_type
    FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE c.relnamespace = ${quoteLiteral(ledger)}::regnamespace AND c.relkind IN ('r', 'S') AND a.grantee <> c.relowner
      AND (is_new OR a.privilege_type <> 'SELECT')
  LOOP
    EXECUTE pg_catalog.format('REVOKE %s ON %s %s FROM %s', given.what, given.kind, given.name,
      CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
  END LOOP;
END
$revoke$;
`;
