import { quoteLiteral } from '../../domain/identifier.ts';

/** Who has approved what, besides its authors, where an environment asks for that. Default privileges give nobody else the table, as of the others. */
export const toFormat8 = (ledger: string): string => `
CREATE TABLE ${ledger}.approvals (
  migration text NOT NULL,
  sha256 text NOT NULL,
  approved_by text NOT NULL,
  authors text[] NOT NULL,
  who text NOT NULL DEFAULT session_user,
  approved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (migration, sha256, approved_by)
);
COMMENT ON TABLE ${ledger}.approvals IS 'Migrations that somebody besides their authors has approved. Never deleted.';
COMMENT ON COLUMN ${ledger}.approvals.migration IS 'Id of the migration.';
COMMENT ON COLUMN ${ledger}.approvals.sha256 IS 'Checksum of the file that was approved: another text is not.';
COMMENT ON COLUMN ${ledger}.approvals.approved_by IS 'Who approved it, as git knows them.';
COMMENT ON COLUMN ${ledger}.approvals.authors IS 'Who has written it, by git.';
COMMENT ON COLUMN ${ledger}.approvals.who IS 'Role of the database that entered it.';
COMMENT ON COLUMN ${ledger}.approvals.approved_at IS 'When.';
DO $revoke$
DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT DISTINCT a.grantee, a.privilege_type FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE c.oid = ${quoteLiteral(`${ledger}.approvals`)}::regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE %s ON TABLE ${ledger}.approvals FROM %s', given.privilege_type,
      CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
  END LOOP;
END
$revoke$;
`;
