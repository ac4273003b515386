/** The step of a rename by the name of its file: how ledgers before format 4 told it. */
export const STEP_BY_NAME = `CASE WHEN rename IS NOT NULL THEN
  (regexp_match(id, '_phase_[123]_(expand|backfill|constrain|switch|contract|refresh)(_[0-9]+)?$'))[1] END`;

/**
 * Which step of a rename a migration is stands in the ledger, whatever its file is called; and the two columns of each
 * rename that is under way, as the runner has left them.
 */
export const toFormat4 = (ledger: string): string => `
ALTER TABLE ${ledger}.migrations ADD COLUMN step text;
COMMENT ON COLUMN ${ledger}.migrations.step IS 'Of a rename: expand, backfill, constrain, switch, contract or refresh.';
UPDATE ${ledger}.migrations SET step = ${STEP_BY_NAME};

CREATE TABLE ${ledger}.pairs (
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
COMMENT ON TABLE ${ledger}.pairs IS 'The two columns of each rename that is under way, as they were when the runner saw to them last.';
COMMENT ON COLUMN ${ledger}.pairs.rename IS 'The rename.';
COMMENT ON COLUMN ${ledger}.pairs.table_oid IS 'Its table, whatever it is called.';
COMMENT ON COLUMN ${ledger}.pairs.old_number IS 'Number of the old column.';
COMMENT ON COLUMN ${ledger}.pairs.new_number IS 'Number of the new column.';
COMMENT ON COLUMN ${ledger}.pairs.phase IS 'Of the sync: 1, the old column has authority, or 2, the new one.';
COMMENT ON COLUMN ${ledger}.pairs.facts IS 'Attributes of both columns: what was changed since is followed on the other one.';
COMMENT ON COLUMN ${ledger}.pairs.ground IS 'What the functions of the sync are written for: type and default.';
COMMENT ON COLUMN ${ledger}.pairs.reviewed IS 'MD5 of the bodies of functions that phase 2 has brought to a reviewed version, by signature.';
COMMENT ON COLUMN ${ledger}.pairs.updated_at IS 'When that was.';

CREATE TABLE ${ledger}.carried (
  number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  rename text NOT NULL,
  object jsonb NOT NULL
);
COMMENT ON TABLE ${ledger}.carried IS 'What migrations have made on the old column since a rename was scaffolded, and what has a counterpart on the new one.';
COMMENT ON COLUMN ${ledger}.carried.number IS 'In the order in which it came.';
COMMENT ON COLUMN ${ledger}.carried.rename IS 'The rename.';
COMMENT ON COLUMN ${ledger}.carried.object IS 'As in db/renames: kind, name, twin, on.';

CREATE TABLE ${ledger}.acknowledgements (
  rename text NOT NULL,
  object text NOT NULL,
  why text NOT NULL,
  acknowledged_by text NOT NULL DEFAULT session_user,
  acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (rename, object)
);
COMMENT ON TABLE ${ledger}.acknowledgements IS 'What a gate names and somebody has looked at: it does not hold a step up any more.';
COMMENT ON COLUMN ${ledger}.acknowledgements.rename IS 'The rename.';
COMMENT ON COLUMN ${ledger}.acknowledgements.object IS 'The object, as the gate calls it.';
COMMENT ON COLUMN ${ledger}.acknowledgements.why IS 'The reason that was given.';
COMMENT ON COLUMN ${ledger}.acknowledgements.acknowledged_by IS 'Role of the session.';
COMMENT ON COLUMN ${ledger}.acknowledgements.acknowledged_at IS 'When.';
`;
