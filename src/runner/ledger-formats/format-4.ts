/** The step of a rename by the name of its file: how ledgers before format 4 told it. */
export const STEP_BY_NAME = `CASE WHEN rename IS NOT NULL THEN
  (regexp_match(id, '_phase_[123]_(expand|backfill|constrain|switch|contract|refresh)(_[0-9]+)?$'))[1] END`;

/** Which step of a rename a migration is stands in the ledger, whatever its file is called. */
export const FORMAT_4 = `
ALTER TABLE phase.migrations ADD COLUMN step text;
COMMENT ON COLUMN phase.migrations.step IS 'Of a rename: expand, backfill, constrain, switch, contract or refresh.';
UPDATE phase.migrations SET step = ${STEP_BY_NAME};
`;
