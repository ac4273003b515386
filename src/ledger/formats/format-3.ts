/** Which command a change was: what it has left says nothing of whether its rows are still there. */
export const toFormat3 = (ledger: string): string => `
ALTER TABLE ${ledger}.audits ADD COLUMN command text;
COMMENT ON COLUMN ${ledger}.audits.command IS 'Of a change: the command that PostgreSQL says it was, such as UPDATE.';
`;
