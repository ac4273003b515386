/**
 * What was recorded after what: a server's clock may step back, and times alone would then tell the wrong release. And the sum of the released manifest
 * that a migration ran under: one that is opened by hand and cut again has another.
 */
export const FORMAT_5 = `
ALTER TABLE phase.releases ADD COLUMN migrated_order bigint, ADD COLUMN confirmed_order bigint;
CREATE SEQUENCE phase.release_order OWNED BY phase.releases.migrated_order;
WITH recorded AS (
  SELECT release, kind, row_number() OVER (ORDER BY at, kind) AS place FROM (
    SELECT release, 'migrated' AS kind, migrated_at AS at FROM phase.releases WHERE migrated_at IS NOT NULL
    UNION ALL SELECT release, 'confirmed', confirmed_at FROM phase.releases WHERE confirmed_at IS NOT NULL) AS all_of_them)
UPDATE phase.releases AS r SET
  migrated_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'migrated'),
  confirmed_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'confirmed');
SELECT pg_catalog.setval('phase.release_order', coalesce((SELECT max(greatest(migrated_order, confirmed_order)) FROM phase.releases), 0) + 1, false);
COMMENT ON COLUMN phase.releases.migrated_order IS 'Place of migrated_at among all that was recorded of releases.';
ALTER TABLE phase.migrations ADD COLUMN manifest_sum text;
COMMENT ON COLUMN phase.migrations.manifest_sum IS 'Sum of the released manifest that it ran under; null while that was open.';
COMMENT ON COLUMN phase.releases.confirmed_order IS 'Place of confirmed_at among all that was recorded of releases.';
`;
