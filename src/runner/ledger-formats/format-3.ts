/** Which command a change was: what it has left says nothing of whether its rows are still there. */
export const FORMAT_3 = `
ALTER TABLE phase.audits ADD COLUMN command text;
COMMENT ON COLUMN phase.audits.command IS 'Of a change: the command that PostgreSQL says it was, such as UPDATE.';
`;
