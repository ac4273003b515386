/** What a change of data took along or wrote beside its own rows; where names without a schema lead to. */
export const toFormat6 = (ledger: string): string => `
ALTER TABLE ${ledger}.audits ADD COLUMN along jsonb, ADD COLUMN beyond jsonb;
COMMENT ON COLUMN ${ledger}.audits.along IS 'Of rows that foreign keys took along with a change: its name, and their table.';
COMMENT ON COLUMN ${ledger}.audits.beyond IS 'Of a change: rows by table that it has written, by triggers say, and that are in no audit.';
ALTER TABLE ${ledger}.ledger ADD COLUMN search_path text, ADD COLUMN target_schema text;
COMMENT ON COLUMN ${ledger}.ledger.search_path IS 'Search path of the session that made it; set to NULL, the next run records its own.';
COMMENT ON COLUMN ${ledger}.ledger.target_schema IS 'The schema that names without one led to by it.';
COMMENT ON COLUMN ${ledger}.attempts.finished_at IS 'When it ended; null as long as nobody knows: the next run finds out.';
COMMENT ON COLUMN ${ledger}.attempts.outcome IS 'done or failed; null as long as nobody knows.';
`;
