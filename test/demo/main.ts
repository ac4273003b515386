import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded, stopEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { Chaos } from './chaos.ts';
import { CustomerBook } from './customers.ts';
import { Display } from './display.ts';
import { Fleet } from './fleet.ts';
import { phase } from './phase.ts';
import { compareWithPlainRename, findLost } from './verify.ts';

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

interface Deployed {
  readonly held: readonly string[];
  readonly durationMs: number;
}

interface StatusDocument {
  readonly renames: readonly {
    readonly phase: number;
    readonly mismatches: number | null;
    readonly stragglers: number;
  }[];
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      rate: { type: 'string' },
      services: { type: 'string' },
      pace: { type: 'string' },
      chaos: { type: 'boolean', default: false },
    },
  });
  const number = (name: Exclude<keyof typeof values, 'chaos'>, fallback: number) => {
    const value = Number(values[name] ?? fallback);
    if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}.`);
    return value;
  };
  return {
    rows: number('rows', 100_000),
    rate: number('rate', 100),
    services: number('services', 2),
    pace: number('pace', 1),
    chaos: values.chaos,
  };
}

class Demo {
  readonly #settings: Settings;
  readonly #url: string;
  readonly #copy: string;
  readonly #book = new CustomerBook();
  readonly #fleet: Fleet;
  readonly #display: Display;
  readonly #restartServer: () => Promise<void>;
  #chaos: Chaos | null = null;
  #backfill = '';

  constructor(settings: Settings, server: string, restartServer: () => Promise<void>) {
    this.#restartServer = restartServer;
    this.#settings = settings;
    this.#url = server.replace(/\/postgres$/, '/bookshop');
    this.#copy = server.replace(/\/postgres$/, '/plain_rename');
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
      const lost = await findLost(this.#url, this.#book);
      const differences = await compareWithPlainRename(this.#url, this.#copy);
      return [...lost, ...differences.map((difference) => `the schema differs: ${difference}`)];
    } finally {
      await this.#fleet.stopAll();
      await this.#chaos?.close();
      this.#display.stop();
    }
  }

  get summary(): string {
    const { longestMs, clients } = this.#fleet;
    return `demo: 3 releases deployed under traffic, ${this.#book.writes} writes by ${clients} clients, 0 lost, longest wait ${Math.round(longestMs)} ms, schema equals ALTER TABLE RENAME COLUMN`;
  }

  /** The first release on an empty database; a copy of it is kept to compare with in the end. */
  async #install(): Promise<void> {
    const server = new pg.Client({ connectionString: this.#url.replace(/\/bookshop$/, '/postgres') });
    await server.connect();
    try {
      await server.query('CREATE DATABASE bookshop');
      this.#display.doing(`1.0.0: creating the bookshop with ${this.#settings.rows} customers`);
      await this.#phase<Deployed>(['migrate', '--release', '1.0.0']);
      await server.query('CREATE DATABASE plain_rename TEMPLATE bookshop');
    } finally {
      await server.end();
    }
    await this.#fleet.start('1.0.0', 'email');
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
    await this.#fleet.start(release, release < '1.2.0' ? 'email' : 'email_address');
    await sleep(TOGETHER_MS * this.#settings.pace);
    await this.#fleet.stop(before);
    this.#display.doing(`${release}: finishing`);
    await this.#phase(['finish', '--straggler-window', this.#stragglerWindow]);
    await sleep(ALONE_MS * this.#settings.pace);
    const { renames } = await this.#phase<StatusDocument>(['status', '--count']);
    const mismatches = renames.reduce((sum, rename) => sum + (rename.mismatches ?? 0), 0);
    const stragglers = renames.reduce((sum, rename) => sum + rename.stragglers, 0);
    this.#display.line(
      `${release} is running: migrated in ${durationMs} ms, ${held.length} held, phase ${renames[0]?.phase}, ${mismatches} mismatches, ${stragglers} stragglers`,
    );
    return mismatches === 0 ? [] : [`${release}: ${mismatches} mismatches`];
  }

  get #stragglerWindow(): string {
    return `${Math.round(STRAGGLER_WINDOW_MS * this.#settings.pace)}ms`;
  }

  #phase<T>(args: readonly string[]): Promise<T> {
    const env = { DATABASE_URL: this.#url, BOOKSHOP_CUSTOMERS: String(this.#settings.rows) };
    const onLine = (line: string): void => this.#noteProgress(line);
    return this.#chaos === null ? phase<T>(args, env, onLine) : this.#chaos.phase<T>(args, env, onLine);
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
  const url = await startEmbedded(server);
  const stop = () => removeEmbedded(server);
  process.once('SIGINT', () => void stop().finally(() => process.exit(1)));
  process.once('SIGTERM', () => void stop().finally(() => process.exit(1)));
  try {
    const demo = new Demo(settings, url, async () => {
      await stopEmbedded(server);
      await startEmbedded(server);
    });
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
