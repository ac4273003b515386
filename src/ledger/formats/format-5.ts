import { quoteLiteral } from '../../domain/identifier.ts';

/**
 * What was recorded after what: a server's clock may step back, and times alone would then tell the wrong release. And the sum of the released manifest
 * that a migration ran under: one that is opened by hand and cut again has another.
 */
export const toFormat5 = (ledger: string): string => `
ALTER TABLE ${ledger}.releases ADD COLUMN migrated_order bigint, ADD COLUMN confirmed_order bigint;
CREATE SEQUENCE ${ledger}.release_order OWNED BY ${ledger}.releases.migrated_order;
WITH recorded AS (
  SELECT release, kind, row_number() OVER (ORDER BY at, kind) AS place FROM (
    SELECT release, 'migrated' AS kind, migrated_at AS at FROM ${ledger}.releases WHERE migrated_at IS NOT NULL
    UNION ALL SELECT release, 'confirmed', confirmed_at FROM ${ledger}.releases WHERE confirmed_at IS NOT NULL) AS all_of_them)
UPDATE ${ledger}.releases AS r SET
  migrated_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'migrated'),
  confirmed_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'confirmed');
SELECT pg_catalog.setval(${quoteLiteral(`${ledger}.release_order`)}, coalesce((SELECT max(greatest(migrated_order, confirmed_order)) FROM ${ledger}.releases), 0) + 1, false);
COMMENT ON COLUMN ${ledger}.releases.migrated_order IS 'Place of migrated_at among all that was recorded of releases.';
ALTER TABLE ${ledger}.migrations ADD COLUMN manifest_sum text;
COMMENT ON COLUMN ${ledger}.migrations.manifest_sum IS 'Sum of the released manifest that it ran under; null while that was open.';
COMMENT ON COLUMN ${ledger}.releases.confirmed_order IS 'Place of confirmed_at among all that was recorded of releases.';
`;
