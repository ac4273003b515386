import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { R1, R2, R3, renameFixture } from '../support/rename-fixture.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { measurePartitions } from './partitions.ts';

/** Rows of the tables that are compared; the last one is the peer of the first. */
const SIZES = [10_000, 100_000, 1_000_000];
const ROUNDS = 3;

/**
 * How long the two steps that take an exclusive lock hold it, on tables that differ in size only: a primary key that
 * another table references is renamed. The time of the whole transaction, of which the lock is a part. And what a client of a
 * table of 600 partitions waits.
 */
async function main(): Promise<void> {
  const options = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `bench-${process.pid}`,
    settings: { ...FAST_SETTINGS, max_locks_per_transaction: '1024' },
  };
  const server = await startEmbedded(options);
  try {
    const results = new Map<number, { switch: number[]; contract: number[] }>(
      SIZES.map((rows) => [rows, { switch: [], contract: [] }]),
    );
    for (let round = 0; round < ROUNDS; round++) {
      for (const rows of SIZES) {
        const took = await measure(server, rows);
        results.get(rows)?.switch.push(took.switch);
        results.get(rows)?.contract.push(took.contract);
      }
    }
    for (const [rows, times] of results) {
      const line = { rows, switchMs: median(times.switch), contractMs: median(times.contract) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    process.stdout.write(`${JSON.stringify(await measurePartitions(server, 600))}\n`);
  } finally {
    await removeEmbedded(options);
  }
}

async function measure(server: string, rows: number): Promise<{ switch: number; contract: number }> {
  const fixture = await renameFixture({
    server,
    schema: `CREATE TABLE users (old bigint PRIMARY KEY, name text); CREATE INDEX users_name ON users (name, old);
      CREATE TABLE posts (id bigint PRIMARY KEY, author bigint NOT NULL REFERENCES users ON DELETE CASCADE);
      INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, ${rows}) AS n; INSERT INTO posts SELECT old, old FROM users`,
  });
  try {
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    const { applied } = await fixture.project.json('status');
    const took = (step: string): number => applied.find(({ id }: { id: string }) => id.endsWith(step)).durationMs;
    return { switch: took('_switch'), contract: took('_contract') };
  } finally {
    await fixture.remove();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

await main();
