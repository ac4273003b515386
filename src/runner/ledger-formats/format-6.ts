/** What a change of data took along or wrote beside its own rows. */
export const FORMAT_6 = `
ALTER TABLE phase.audits ADD COLUMN along jsonb, ADD COLUMN beyond jsonb;
COMMENT ON COLUMN phase.audits.along IS 'Of rows that foreign keys took along with a change: its name, and their table.';
COMMENT ON COLUMN phase.audits.beyond IS 'Of a change: rows by table that it has written, by triggers say, and that are in no audit.';
COMMENT ON COLUMN phase.attempts.finished_at IS 'When it ended; null as long as nobody knows: the next run finds out.';
COMMENT ON COLUMN phase.attempts.outcome IS 'done or failed; null as long as nobody knows.';
`;
