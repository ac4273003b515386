import { spawnSync } from 'node:child_process';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from './bookshop.ts';

/** A server that tests run on. */
export interface TestServer {
  /** The URL of a database in which databases may be created. */
  readonly url: string;
  /** Where it comes from, and why from there. */
  readonly origin: string;
  stop(): Promise<void>;
}

/**
 * Settings for a server whose data nobody needs afterwards. Autovacuum would look at tables whenever it likes, and keep dead
 * rows for its snapshot.
 */
export const FAST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  autovacuum: 'off',
  max_prepared_transactions: '8',
};

/** TEST_DATABASE_URL, else a container where a Docker engine answers, else the embedded server. */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { url: given, origin: 'TEST_DATABASE_URL', stop: async () => undefined };
  const docker = dockerProblem() ?? (await containerOrProblem());
  if (typeof docker !== 'string') return docker;
  const options = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `test-${process.pid}`,
    settings: FAST_SETTINGS,
  };
  const url = await startEmbedded(options);
  return {
    url,
    origin: `embedded PostgreSQL (Testcontainers skipped: ${docker})`,
    stop: () => removeEmbedded(options),
  };
}

/** An engine may answer and yet have no way to get the image. */
async function containerOrProblem(): Promise<TestServer | string> {
  return startContainer().catch((error: Error) => `the container did not start: ${error.message}`);
}

/** Why no container can be started; null when one can. */
function dockerProblem(): string | null {
  const { status, error, stderr } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (error) return 'there is no docker command';
  return status === 0 ? null : `no Docker engine answers: ${stderr.trim().split('\n')[0]}`;
}

async function startContainer(): Promise<TestServer> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(`postgres:${NEWEST_EMBEDDED}-alpine`)
    .withUsername('postgres')
    .start();
  return {
    url: container.getConnectionUri(),
    origin: 'Testcontainers',
    stop: async () => void (await container.stop()),
  };
}
