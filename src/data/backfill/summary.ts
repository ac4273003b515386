import type pg from 'pg';
import { countAuditsLike } from '../../ledger/audits.ts';
import { endWalks, walkSummary } from '../../ledger/checkpoint.ts';
import type { Connection } from '../../postgres/connection.ts';
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

/** The mark that a backfill is done and the audit of what it did commit together; done again, it says nothing again. */
export async function recordSummary(
  connections: { readonly db: Connection; connect(): Promise<pg.Client> },
  trailOwner: TrailOwner,
  { part, remaining, triggers }: BackfillSummary,
): Promise<void> {
  const { owner } = trailOwner;
  const { db } = connections;
  await AuditTrail.during(connections, trailOwner, async (trail) => {
    if (!(await endWalks(db, { owner, part }))) return;
    const name = await freeName(db, trailOwner, `backfill_${part.replace(' ', '_')}`);
    const facts = { name, kind: 'change', key: [], redacted: [], keysRule: 'equal', isSummary: true } as const;
    const query = { sql: walkSummary(db), values: [owner, part, remaining, triggers] };
    await trail.write(db, facts, cursorSource(db, query, new Redaction([], Buffer.alloc(0))));
  });
}

/** A backfill is complete several times in one run where partitions come between. */
async function freeName(db: Connection, { owner, run }: TrailOwner, name: string): Promise<string> {
  const count = await countAuditsLike(db, { owner, run, pattern: `^${name}(_again_\\d+)?$` });
  return count === 0 ? name : `${name}_again_${count}`;
}
