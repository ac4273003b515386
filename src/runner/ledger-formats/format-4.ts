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
  reviewed jsonb NOT NULL DEFAULT '{}',
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
COMMENT ON COLUMN phase.pairs.reviewed IS 'MD5 of the bodies of functions that phase 2 has brought to a reviewed version, by signature.';
COMMENT ON COLUMN phase.pairs.updated_at IS 'When that was.';

CREATE TABLE phase.carried (
  number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  rename text NOT NULL,
  object jsonb NOT NULL
);
COMMENT ON TABLE phase.carried IS 'What migrations have made on the old column since a rename was scaffolded, and what has a counterpart on the new one.';
COMMENT ON COLUMN phase.carried.number IS 'In the order in which it came.';
COMMENT ON COLUMN phase.carried.rename IS 'The rename.';
COMMENT ON COLUMN phase.carried.object IS 'As in db/renames: kind, name, twin, on.';

CREATE TABLE phase.acknowledgements (
  rename text NOT NULL,
  object text NOT NULL,
  why text NOT NULL,
  acknowledged_by text NOT NULL DEFAULT session_user,
  acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (rename, object)
);
COMMENT ON TABLE phase.acknowledgements IS 'What a gate names and somebody has looked at: it does not hold a step up any more.';
COMMENT ON COLUMN phase.acknowledgements.rename IS 'The rename.';
COMMENT ON COLUMN phase.acknowledgements.object IS 'The object, as the gate calls it.';
COMMENT ON COLUMN phase.acknowledgements.why IS 'The reason that was given.';
COMMENT ON COLUMN phase.acknowledgements.acknowledged_by IS 'Role of the session.';
COMMENT ON COLUMN phase.acknowledgements.acknowledged_at IS 'When.';
`;
