import { startTestServer, type TestServer } from './server.ts';

declare global {
  var triphaseTestServer: TestServer | undefined;
}

/** One server a run; each test file makes databases of its own in it. */
export default async function setup(): Promise<void> {
  const server = await startTestServer();
  globalThis.triphaseTestServer = server;
  process.env.TRIPHASE_TEST_SERVER = server.url;
  process.stderr.write(`\nTests run on ${server.origin}.\n`);
}
