/** SQL for a moment as JSON documents hold it: ISO 8601 in UTC, with milliseconds. */
export function isoTime(moment: string): string {
  return `pg_catalog.to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
