import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded, stopEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { isCommitted } from '../support/network.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { type Disturbance, disturb, messagesOf, type Outcome, type ServerControl, type Way } from './disturb.ts';
import { type Journey, makeJourney, RELEASES } from './journey.ts';

const USAGE = `Usage: npm run fault -- [--cuts N] [--restarts N] [--signals N] [--json]

Disturbs a rename through three releases, with data migrations beside it: the network breaks at every answer to COMMIT and at N
messages (1000), the server restarts or crashes (60), the process is sent SIGTERM, SIGINT, SIGKILL, SIGSTOP (120). After each the
same command is given again, and schema, rows, audits and ledger are compared with an undisturbed run.`;

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '1000' },
    restarts: { type: 'string', default: '60' },
    signals: { type: 'string', default: '120' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(`${USAGE}\n`);
else await main();

async function main(): Promise<void> {
  // A server that dies keeps what it has committed.
  const options = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `fault-${process.pid}`,
    settings: { ...FAST_SETTINGS, synchronous_commit: 'on' },
  };
  const url = await startEmbedded(options);
  const server: ServerControl = {
    async restart() {
      await stopEmbedded(options);
      await startEmbedded(options);
    },
    async crash() {
      await onServer(url, crash);
      await answering(url);
    },
    checkpoint: () => onServer(url, async (client) => void (await client.query('CHECKPOINT'))),
  };
  try {
    const journey = await makeJourney(url);
    const outcomes: Outcome[] = [];
    for (const disturbance of await allDisturbances(journey)) {
      const outcome = await disturb(journey, disturbance, server);
      outcomes.push(outcome);
      if (outcome.differences.length > 0) process.stderr.write(`${JSON.stringify(outcome)}\n`);
      else if (outcomes.length % 50 === 0) process.stderr.write(`${outcomes.length} done\n`);
    }
    report(outcomes);
    await journey.remove();
  } finally {
    await removeEmbedded(options);
  }
}

/** Like a server that runs out of memory: one of its processes is killed, and it ends all others and recovers. */
async function crash(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  await new Promise((done) => client.once('end', done));
}

/** Until it has recovered. */
async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isUp = await onServer(url, async () => undefined).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await sleep(100);
  }
}

async function onServer(url: string, body: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await body(client).finally(() => client.end().catch(() => undefined));
}

async function allDisturbances(journey: Journey): Promise<Disturbance[]> {
  const numbers = { cuts: Number(values.cuts), restarts: Number(values.restarts), signals: Number(values.signals) };
  const all: Disturbance[] = [];
  for (const release of RELEASES) {
    const messages = await messagesOf(journey, release);
    const commits = messages.filter(isCommitted).length;
    const add = (many: number, ways: readonly Way[]): void => {
      const wanted = Math.round(many / RELEASES.length);
      for (let n = 0; n < wanted; n++) {
        const way = ways[n % ways.length] as Way;
        // Spread evenly over the run, so that each part of it is met.
        const number = 1 + Math.floor(((n + Math.random()) / wanted) * messages.length);
        all.push({ release, way, at: { kind: 'message', number } });
      }
    };
    for (let number = 1; number <= commits; number++) {
      for (const way of ['cut this', 'cut all'] as const)
        all.push({ release, way, at: { kind: 'answer to COMMIT', number } });
    }
    add(numbers.cuts, ['cut this', 'cut all']);
    add(numbers.restarts, ['restart', 'crash']);
    add(numbers.signals, ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSTOP']);
  }
  return all;
}

function report(outcomes: readonly Outcome[]): void {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const group = outcome.at.kind === 'message' ? outcome.way : `${outcome.way} at the answer to COMMIT`;
    groups.set(group, [...(groups.get(group) ?? []), outcome]);
  }
  const lines = [...groups].map(([group, all]) => ({
    group,
    disturbed: all.filter(({ message }) => message !== null).length,
    'went on by itself': all.filter(({ codes }) => codes.length === 0).length,
    differ: all.filter(({ differences }) => differences.length > 0).length,
    'longest wait of a client, ms': Math.round(Math.max(...all.map(({ waited }) => waited))),
    codes: Object.fromEntries(
      [...new Set(all.flatMap(({ codes }) => codes))].map((code) => [
        code,
        all.filter(({ codes }) => codes.includes(code)).length,
      ]),
    ),
  }));
  if (values.json) process.stdout.write(`${JSON.stringify({ groups: lines, outcomes }, null, 2)}\n`);
  else for (const { codes, ...line } of lines) process.stdout.write(`${JSON.stringify({ ...line, ...codes })}\n`);
  const differ = outcomes.filter(({ differences }) => differences.length > 0).length;
  process.stdout.write(`${outcomes.length} disturbances, ${differ} ended otherwise than an undisturbed run.\n`);
  process.exitCode = differ === 0 ? 0 : 1;
}
