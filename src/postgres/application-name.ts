import { hostname, userInfo } from 'node:os';

const MAX_BYTES = 63;

/** What a connection of a run is called in pg_stat_activity: what it is, its number, and who runs it where; cut as PostgreSQL does. */
export function applicationNameOf(kind: string, run: string): string {
  return Buffer.from(`${kind} ${run} ${userName()}@${hostname()}`).subarray(0, MAX_BYTES).toString();
}

/** Platforms run containers as user ids that no file knows. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
