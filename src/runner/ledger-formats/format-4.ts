/** The step of a rename by the name of its file: how ledgers before format 4 told it. */
export const STEP_BY_NAME = `CASE WHEN rename IS NOT NULL THEN
  (regexp_match(id, '_phase_[123]_(expand|backfill|constrain|switch|contract|refresh)(_[0-9]+)?$'))[1] END`;

/**
 * Which step of a rename a migration is stands in the ledger, whatever its file is called; and the two columns of each
 * rename that is under way, as the runner has left them.
 */
export const FORMAT_4 = `
ALTER TABLE phase.migrations ADD COLUMN step text;
COMMENT ON COLUMN phase.migrations.step IS 'Of a rename: expand, backfill, constrain, switch, contract or refresh.';
UPDATE phase.migrations SET step = ${STEP_BY_NAME};

CREATE TABLE phase.pairs (
  rename text PRIMARY KEY,
  table_oid oid NOT NULL,
  old_number int NOT NULL,
  new_number int NOT NULL,
  phase int NOT NULL CHECK (phase IN (1, 2)),
  facts jsonb NOT NULL,
  ground jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE phase.pairs IS 'The two columns of each rename that is under way, as they were when the runner saw to them last.';
COMMENT ON COLUMN phase.pairs.rename IS 'The rename.';
COMMENT ON COLUMN phase.pairs.table_oid IS 'Its table, whatever it is called.';
COMMENT ON COLUMN phase.pairs.old_number IS 'Number of the old column.';
COMMENT ON COLUMN phase.pairs.new_number IS 'Number of the new column.';
COMMENT ON COLUMN phase.pairs.phase IS 'Of the sync: 1, the old column has authority, or 2, the new one.';
COMMENT ON COLUMN phase.pairs.facts IS 'Attributes of both columns: what was changed since is followed on the other one.';
COMMENT ON COLUMN phase.pairs.ground IS 'What the functions of the sync are written for: type and default.';
COMMENT ON COLUMN phase.pairs.updated_at IS 'When that was.';
`;
