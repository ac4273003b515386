import { all, type Queryable } from '../../postgres/queryable.ts';

interface Archiver {
  on: boolean;
  last: string | null;
  current: string;
  size: number;
}

const ARCHIVER = `
  SELECT pg_catalog.current_setting('archive_mode') <> 'off' AS on, last_archived_wal AS last, pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) AS current,
    (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')::float8 AS size
  FROM pg_stat_archiver`;

/** Counts the segments of the write-ahead log that wait to be archived. */
export class ArchiveMeter {
  #first: number | null = null;

  /** Null where nothing is archived. */
  async measure(db: Queryable): Promise<number | null> {
    const [row] = await all<Archiver>(db, ARCHIVER);
    if (row === undefined || !row.on) return null;
    const current = segmentOf(row.current, row.size);
    if (current === null) return null;
    this.#first ??= current;
    // Before anything was archived, and after a file of another kind, what was written since the run began counts.
    const archived = segmentOf(row.last ?? '', row.size) ?? this.#first - 1;
    return Math.max(0, current - archived - 1);
  }
}

/** The number of a segment from its file's name: timeline, then two halves of eight hexadecimal digits. */
export function segmentOf(file: string, segmentSize: number): number | null {
  const match = /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})$/.exec(file);
  if (!match) return null;
  return Number.parseInt(match[1] ?? '', 16) * (2 ** 32 / segmentSize) + Number.parseInt(match[2] ?? '', 16);
}
