import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded, stopEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { CHANGES, type DemoChange } from './changes.ts';
import { Chaos } from './chaos.ts';
import { CustomerBook } from './customers.ts';
import { Display } from './display.ts';
import { Fleet } from './fleet.ts';
import { phase } from './phase.ts';
import { compareWithCopy, findLost } from './verify.ts';

/** Deploys four releases of the bookshop under traffic, and proves at the end that nothing was lost. */
interface Settings {
  /** Customers before the traffic begins. */
  readonly rows: number;
  /** Statements a second of each instance. */
  readonly rate: number;
  /** Instances of each release. */
  readonly services: number;
  /** How long everything is left running, as a share of the usual. */
  readonly pace: number;
  /** What is changed. */
  readonly change: string;
  /** Whether commands are cut off, killed, and lose their server while they run. */
  readonly chaos: boolean;
}

/** How long old and new instances run side by side, and the new ones alone. */
const TOGETHER_MS = 4_000;
const ALONE_MS = 2_500;
/** The stragglers of 1.1.0 have to be older than this when 1.3.0 drops the column: less than the new ones run alone. */
const STRAGGLER_WINDOW_MS = 2_000;
const RELEASES = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'] as const;
type BookshopRelease = (typeof RELEASES)[number];
const LAST: BookshopRelease = '1.3.0';

interface Deployed {
  readonly held: readonly string[];
  readonly durationMs: number;
}

interface StatusDocument {
  readonly changes: readonly {
    readonly phase: number;
    readonly mismatches: number | null;
    readonly stragglers: number;
  }[];
}

interface DemoServer {
  readonly server: string;
  restartServer(): Promise<void>;
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      rate: { type: 'string' },
      services: { type: 'string' },
      pace: { type: 'string' },
      change: { type: 'string', default: 'rename' },
      chaos: { type: 'boolean', default: false },
    },
  });
  const number = (name: Exclude<keyof typeof values, 'chaos' | 'change'>, fallback: number) => {
    const value = Number(values[name] ?? fallback);
    if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}.`);
    return value;
  };
  if (!(values.change in CHANGES)) {
    throw new Error(`--change takes one of ${Object.keys(CHANGES).join(', ')}, not ${values.change}.`);
  }
  return {
    rows: number('rows', 100_000),
    rate: number('rate', 100),
    services: number('services', 2),
    pace: number('pace', 1),
    change: values.change,
    chaos: values.chaos,
  };
}

class Demo {
  readonly #settings: Settings;
  readonly #change: DemoChange;
  readonly #url: string;
  readonly #copy: string;
  readonly #book = new CustomerBook();
  readonly #fleet: Fleet;
  readonly #display: Display;
  readonly #restartServer: () => Promise<void>;
  #chaos: Chaos | null = null;
  #backfill = '';

  constructor(settings: Settings, change: DemoChange, { server, restartServer }: DemoServer) {
    this.#change = change;
    this.#restartServer = restartServer;
    this.#settings = settings;
    this.#url = server.replace(/\/postgres$/, '/bookshop');
    this.#copy = server.replace(/\/postgres$/, '/by_hand');
    this.#fleet = new Fleet({ url: this.#url, book: this.#book, services: settings.services, rate: settings.rate });
    this.#display = new Display(() => `${this.#fleet.releases} | ${this.#book.writes} writes${this.#backfill}`);
  }

  async run(): Promise<string[]> {
    const problems: string[] = [];
    try {
      await this.#install();
      if (this.#settings.chaos) {
        this.#chaos = await Chaos.begin(this.#url, {
          fleet: this.#fleet,
          restartServer: this.#restartServer,
          onDisturbance: (text) => this.#display.line(text),
        });
      }
      for (const [index, release] of RELEASES.entries()) {
        const before = RELEASES[index - 1];
        if (before !== undefined) problems.push(...(await this.#deploy(before, release)));
        if (this.#fleet.errors.length > 0) break;
      }
      await this.#fleet.stopAll();
      if (this.#chaos !== null) this.#display.line(`disturbed: ${this.#chaos.summary}`);
      this.#display.doing('comparing what was acknowledged with what is stored');
      problems.push(...this.#fleet.errors.map((error) => `a client got an error: ${error.message}`));
      if (problems.length > 0) return problems;
      const lost = await findLost(this.#url, this.#change.dialectOf(LAST), this.#book);
      const differences = await compareWithCopy(this.#url, this.#copy, this.#change.byHand);
      return [...lost, ...differences.map((difference) => `the schema differs: ${difference}`)];
    } finally {
      await this.#fleet.stopAll();
      await this.#chaos?.close();
      this.#display.stop();
    }
  }

  get summary(): string {
    const { longestMs, clients } = this.#fleet;
    return `demo: 3 releases deployed under traffic, ${this.#book.writes} writes by ${clients} clients, 0 lost, longest wait ${Math.round(longestMs)} ms, schema equals ${this.#change.equals}`;
  }

  /** The first release on an empty database; a copy of it is kept to compare with in the end. */
  async #install(): Promise<void> {
    const server = new pg.Client({ connectionString: this.#url.replace(/\/bookshop$/, '/postgres') });
    await server.connect();
    try {
      await server.query('CREATE DATABASE bookshop');
      this.#display.doing(`1.0.0: creating the bookshop with ${this.#settings.rows} customers`);
      for (const args of this.#change.beforehand) await this.#phase(args);
      await this.#phase<Deployed>(['migrate', '--release', '1.0.0']);
      await server.query('CREATE DATABASE by_hand TEMPLATE bookshop');
    } finally {
      await server.end();
    }
    for (const args of this.#change.scaffolding) await this.#phase(args);
    await this.#fleet.start('1.0.0', this.#change.dialectOf('1.0.0'));
    await this.#phase(['finish']);
    await sleep(ALONE_MS * this.#settings.pace);
    this.#display.line('1.0.0 is running');
  }

  /** One rolling deploy: migrate, old and new instances at once, only new ones, finish. */
  async #deploy(before: BookshopRelease, release: BookshopRelease): Promise<string[]> {
    this.#display.doing(`${release}: migrating while ${before} runs`);
    const { durationMs, held } = await this.#phase<Deployed>([
      'migrate',
      '--release',
      release,
      '--straggler-window',
      this.#stragglerWindow,
    ]);
    this.#backfill = '';
    this.#display.doing(`${release}: rolling out, ${before} still runs`);
    await this.#fleet.start(release, this.#change.dialectOf(release));
    await sleep(TOGETHER_MS * this.#settings.pace);
    await this.#fleet.stop(before);
    this.#display.doing(`${release}: finishing`);
    await this.#phase(['finish', '--straggler-window', this.#stragglerWindow]);
    await sleep(ALONE_MS * this.#settings.pace);
    const { changes } = await this.#phase<StatusDocument>(['status', '--count']);
    const mismatches = changes.reduce((sum, change) => sum + (change.mismatches ?? 0), 0);
    const stragglers = changes.reduce((sum, change) => sum + change.stragglers, 0);
    this.#display.line(
      `${release} is running: migrated in ${durationMs} ms, ${held.length} held, phase ${changes[0]?.phase}, ${mismatches} mismatches, ${stragglers} stragglers`,
    );
    return mismatches === 0 ? [] : [`${release}: ${mismatches} mismatches`];
  }

  get #stragglerWindow(): string {
    return `${Math.round(STRAGGLER_WINDOW_MS * this.#settings.pace)}ms`;
  }

  #phase<T>(args: readonly string[]): Promise<T> {
    const env = {
      DATABASE_URL: this.#url,
      PHASE_SHADOW_DATABASE_URL: this.#url.replace(/\/bookshop$/, '/postgres'),
      BOOKSHOP_CUSTOMERS: String(this.#settings.rows),
    };
    const command = { args, env, root: this.#change.root };
    const onLine = (line: string): void => this.#noteProgress(line);
    return this.#chaos === null ? phase<T>(command, onLine) : this.#chaos.phase<T>(command, onLine);
  }

  #noteProgress(line: string): void {
    if (!line.startsWith('{')) return;
    const { rows, done } = JSON.parse(line) as { rows: number; done: number };
    this.#backfill = ` | backfill ${Math.round(done * 100)} %, ${rows} rows`;
  }
}

async function main(): Promise<number> {
  const settings = readSettings();
  const server = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `demo-${process.pid}`,
    settings: { fsync: 'off', max_connections: '300', shared_buffers: '256MB', max_wal_size: '4GB' },
  };
  const change = (CHANGES[settings.change] as () => DemoChange)();
  const url = await startEmbedded(server);
  const stop = () => removeEmbedded(server).finally(() => change.remove());
  process.once('SIGINT', () => void stop().finally(() => process.exit(1)));
  process.once('SIGTERM', () => void stop().finally(() => process.exit(1)));
  try {
    const restartServer = async (): Promise<void> => {
      await stopEmbedded(server);
      await startEmbedded(server);
    };
    const demo = new Demo(settings, change, { server: url, restartServer });
    const problems = await demo.run();
    for (const problem of problems.slice(0, 20)) process.stderr.write(`${problem}\n`);
    if (problems.length > 0) process.stdout.write(`demo: failed, ${problems.length} problems\n`);
    else process.stdout.write(`${demo.summary}\n`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.stdout.write('demo: failed\n');
  return 1;
});
