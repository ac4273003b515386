import { setTimeout as sleep } from 'node:timers/promises';
import { newConnection, type TestDatabase } from '../support/database.ts';
import { R1, R2, R3, renameFixture } from '../support/rename-fixture.ts';

/** Milliseconds; what a client waited longest for one INSERT while each release was deployed, and in the peer's transactions. */
export interface PartitionLine {
  readonly partitions: number;
  readonly phase1Ms: number;
  readonly longestWaits: Readonly<Record<string, number>>;
}

const ROWS = 20_000;

/** A rename on a partitioned table under writes; the peer adds a column and drops one by plain ALTER TABLE. */
export async function measurePartitions(server: string, partitions: number): Promise<PartitionLine> {
  const fixture = await renameFixture({
    server,
    table: 'events',
    schema: `CREATE TABLE events (id bigint, at int NOT NULL, old text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE INDEX events_old ON events (old);
      DO $$ BEGIN FOR i IN 0..${partitions - 1} LOOP EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END LOOP; END $$;
      INSERT INTO events SELECT n, n % ${partitions}, 'v' || n FROM generate_series(1, ${ROWS}) AS n`,
  });
  const { database } = fixture;
  try {
    const longestWaits: Record<string, number> = {};
    const during = async (name: string, body: () => Promise<unknown>): Promise<number> => {
      const began = performance.now();
      longestWaits[name] = await longestWait(database, partitions, body);
      return Math.round(performance.now() - began);
    };
    await during('plain ADD COLUMN', () => database.sql('ALTER TABLE events ADD COLUMN other text'));
    await during('plain DROP COLUMN', () => database.sql('ALTER TABLE events DROP COLUMN other'));
    const phase1Ms = await during('phase 1', () => fixture.deploy(R1));
    await during('phase 2', () => fixture.deploy(R2));
    await during('phase 3', () => fixture.deploy(R3));
    return { partitions, phase1Ms, longestWaits };
  } finally {
    await fixture.remove();
  }
}

async function longestWait(database: TestDatabase, partitions: number, body: () => Promise<unknown>): Promise<number> {
  const client = newConnection({ connectionString: database.url });
  await client.connect();
  let [isOver, longest, id] = [false, 0, ROWS + Date.now()];
  const writing = (async () => {
    for (; !isOver; await sleep(2)) {
      const began = performance.now();
      await client.query('INSERT INTO events (id, at) VALUES ($1, $2)', [++id, id % partitions]);
      longest = Math.max(longest, performance.now() - began);
    }
  })();
  try {
    await sleep(50);
    await body();
  } finally {
    isOver = true;
    await writing;
    await client.end();
  }
  return Math.round(longest);
}
