import type pg from 'pg';
import { Redaction } from '../audit/csv.ts';
import { cursorSource } from '../audit/source.ts';
import { AuditTrail, type TrailOwner } from '../audit/trail.ts';
import type { TriggerFate } from './exact.ts';

/** What a backfill that is complete says of itself, beside its checkpoints. */
export interface BackfillSummary {
  readonly part: string;
  readonly remaining: number;
  /** What became of the application's triggers. */
  readonly triggers: TriggerFate;
}

const SUMMARY = `
  SELECT table_name AS "table", rows, pass AS passes, $3::bigint AS remaining, $4::text AS triggers,
    pg_catalog.to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started_at,
    pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS finished_at
  FROM phase.backfills WHERE owner = $1 AND part = $2 ORDER BY table_name`;

/** The mark that a backfill is done and the audit of what it did commit together; done again, it says nothing again. */
export async function recordSummary(
  connections: { readonly db: pg.Client; connect(): Promise<pg.Client> },
  trailOwner: TrailOwner,
  { part, remaining, triggers }: BackfillSummary,
): Promise<void> {
  const { owner } = trailOwner;
  const { db } = connections;
  await AuditTrail.during(connections, trailOwner, async (trail) => {
    const marked = await db.query(
      'UPDATE phase.backfills SET done = true WHERE owner = $1 AND part = $2 AND NOT done',
      [owner, part],
    );
    if (marked.rowCount === 0) return;
    const name = await freeName(db, trailOwner, `backfill_${part.replace(' ', '_')}`);
    const facts = { name, kind: 'change', key: [], redacted: [], keysRule: 'equal', isSummary: true } as const;
    const query = { sql: SUMMARY, values: [owner, part, remaining, triggers] };
    await trail.write(db, facts, cursorSource(db, query, new Redaction([], Buffer.alloc(0))));
  });
}

/** A backfill is complete several times in one run where partitions come between. */
async function freeName(db: pg.Client, { owner, run }: TrailOwner, name: string): Promise<string> {
  const { rowCount } = await db.query('SELECT FROM phase.audits WHERE owner = $1 AND run = $2 AND name ~ $3', [
    owner,
    run,
    `^${name}(_again_\\d+)?$`,
  ]);
  return rowCount === 0 ? name : `${name}_again_${rowCount}`;
}
