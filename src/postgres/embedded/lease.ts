import pg from 'pg';
import { all } from '../queryable.ts';
import { whileAlone } from './alone.ts';
import { type EmbeddedOptions, placesOf } from './places.ts';
import { startEmbedded, stopEmbedded } from './server.ts';

const LEASE = 'phase lease';

/** A server that runs for as long as somebody has a lease. */
export interface Lease {
  /** Of its database `postgres`. */
  readonly url: string;
  release(): Promise<void>;
}

/**
 * Starts the server, or joins those who use it already; the last to leave stops it. A lease is a connection, so that
 * one whose process died counts no more.
 * @throws what startEmbedded throws.
 */
export async function leaseEmbedded(options: EmbeddedOptions): Promise<Lease> {
  let lease: pg.Client | null = null;
  const url = await startEmbedded(options, async (running) => {
    lease = new pg.Client({ connectionString: running, application_name: LEASE });
    lease.on('error', () => undefined);
    await lease.connect();
  });
  return { url, release: () => release(options, lease) };
}

async function release(options: EmbeddedOptions, lease: pg.Client | null): Promise<void> {
  await whileAlone(placesOf(options).lock, async () => {
    const others = await othersWithLease(lease);
    await lease?.end().catch(() => undefined);
    if (others === 0) await stopEmbedded(options);
  });
}

async function othersWithLease(lease: pg.Client | null): Promise<number> {
  if (lease === null) return 0;
  const others = await all(
    lease,
    `SELECT FROM pg_stat_activity WHERE application_name = '${LEASE}' AND pid <> pg_backend_pid()`,
  ).catch(() => []);
  return others.length;
}
