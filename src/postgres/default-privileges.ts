import { quoteLiteral } from '../domain/identifier.ts';

/**
 * A statement that takes from others what default privileges (ALTER DEFAULT PRIVILEGES) gave them of a relation that was just made: for what is made anew, with
 * the privileges that it had.
 * @param name schema and name, quoted.
 */
export function takeBackDefaults(kind: 'TABLE' | 'SEQUENCE', name: string): string {
  return `DO $take_back$
DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT DISTINCT a.grantee FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE c.oid = ${quoteLiteral(name)}::pg_catalog.regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON ${kind} %s FROM %s', ${quoteLiteral(name)},
      CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::pg_catalog.regrole::text END);
  END LOOP;
END
$take_back$`;
}
