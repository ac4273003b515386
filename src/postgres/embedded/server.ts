import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reasonOf } from '../errors.ts';
import { type Account, reachable, serverAccount } from './account.ts';
import { type EmbeddedVersion, nativeFolder } from './binaries.ts';

export interface EmbeddedOptions {
  readonly version: EmbeddedVersion;
  /** The project's folder; the server lives under its `.phase/`. */
  readonly project: string;
  /** Several servers of one version in one project need different names. */
  readonly name?: string;
  /** Settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What a running server left on disk for the next command. */
interface ServerState {
  readonly port: number;
  readonly version: number;
}

interface Places {
  /** Where the state file and the lock of starting are; in the project. */
  readonly home: string;
  /** Where data and log are: in `home`, or where the server's account can reach it. */
  readonly base: string;
  readonly data: string;
  readonly log: string;
  readonly account: Account | null;
}

const STARTING_LIMIT_MS = 90_000;

/**
 * Starts the server, or finds it started. Data are kept over stops. It listens on 127.0.0.1 only and asks for no
 * password, since it is for development.
 * @returns the URL of its database `postgres`.
 * @throws PH1018 when the version is not installed, PH5007 when it cannot be started.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<string> {
  const native = nativeFolder(options.version, options.project);
  const places = placesOf(options);
  await mkdir(places.home, { recursive: true });
  return whileAlone(join(places.home, 'starting.lock'), async () => {
    const running = await runningUrl(places);
    if (running !== null) return running;
    await mkdir(places.base, { recursive: true });
    const binaries = await reachableBinaries(native, options.version, places);
    await initialise(binaries, places);
    return start(binaries, places, options);
  });
}

/** Stops the server and keeps its data. False when none was running. */
export async function stopEmbedded(options: EmbeddedOptions): Promise<boolean> {
  const places = placesOf(options);
  if ((await runningUrl(places)) === null) return false;
  const native = nativeFolder(options.version, options.project);
  const binaries = await reachableBinaries(native, options.version, places);
  await run(join(binaries, 'bin', 'pg_ctl'), ['stop', '-D', places.data, '-m', 'fast', '-w'], places);
  return true;
}

/** The URL of the running server, or null. */
export async function embeddedUrl(options: EmbeddedOptions): Promise<string | null> {
  return runningUrl(placesOf(options));
}

/** Stops the server and deletes its data. */
export async function removeEmbedded(options: EmbeddedOptions): Promise<void> {
  await stopEmbedded(options);
  const places = placesOf(options);
  await rm(places.base, { recursive: true, force: true });
  await rm(places.home, { recursive: true, force: true });
}

function placesOf({ version, project, name }: EmbeddedOptions): Places {
  const folder = name ?? String(version);
  const home = join(resolve(project), '.phase', 'postgres', folder);
  const account = serverAccount();
  const base = account !== null && !reachable(resolve(project), account) ? join(elsewhere(project), folder) : home;
  return { home, base, data: join(base, 'data'), log: join(base, 'server.log'), account };
}

/** A folder that the server's account can reach, for projects in a private folder of root's. */
function elsewhere(project: string): string {
  const hash = createHash('sha256').update(resolve(project)).digest('hex').slice(0, 12);
  return join('/var/tmp', `triphase-${hash}`);
}

/** The binaries themselves, or a copy where the server's account cannot reach the npm package. */
async function reachableBinaries(native: string, version: EmbeddedVersion, places: Places): Promise<string> {
  if (places.account === null || reachable(native, places.account)) return native;
  const copy = join(places.base, '..', `binaries-${version}`);
  const complete = join(copy, 'complete');
  if (
    await readFile(complete).then(
      () => true,
      () => false,
    )
  )
    return copy;
  await rm(copy, { recursive: true, force: true });
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await writeFile(complete, '');
  return copy;
}

async function initialise(binaries: string, places: Places): Promise<void> {
  if (
    await readFile(join(places.data, 'PG_VERSION')).then(
      () => true,
      () => false,
    )
  )
    return;
  // initdb works in a folder of its own that takes the final name when it is complete.
  const fresh = `${places.data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  if (places.account) await chown(fresh, places.account.uid, places.account.gid);
  await run(
    join(binaries, 'bin', 'initdb'),
    ['-D', fresh, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    places,
  );
  await rm(places.data, { recursive: true, force: true });
  await rename(fresh, places.data);
}

async function start(binaries: string, places: Places, options: EmbeddedOptions): Promise<string> {
  const earlier = await readState(places);
  let failure: unknown;
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = attempt === 0 && earlier !== null ? earlier.port : await freePort();
    const given = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      ...options.settings,
    };
    const flags = Object.entries(given).map(([key, value]) => `-c ${key}='${value}'`);
    try {
      closeSync(openSync(places.log, 'a'));
      if (places.account) await chown(places.log, places.account.uid, places.account.gid);
      await run(
        join(binaries, 'bin', 'pg_ctl'),
        ['start', '-D', places.data, '-l', places.log, '-w', '-t', '60', '-o', flags.join(' ')],
        places,
      );
      await writeFile(
        join(places.home, 'server.json'),
        JSON.stringify({ port, version: options.version } satisfies ServerState),
      );
      return urlOf(port);
    } catch (error) {
      failure = error;
    }
  }
  const log = await readFile(places.log, 'utf8').catch(() => '');
  const reason = `${reasonOf(failure)} ${log.trim().split('\n').slice(-3).join(' | ')}`;
  throw new PhaseError('PH5007', { reason }, { cause: failure });
}

async function runningUrl(places: Places): Promise<string | null> {
  const state = await readState(places);
  if (state === null) return null;
  const client = new pg.Client({ connectionString: urlOf(state.port), connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ data: string }>(`SELECT current_setting('data_directory') AS data`);
    return rows[0]?.data === places.data ? urlOf(state.port) : null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function readState(places: Places): Promise<ServerState | null> {
  const text = await readFile(join(places.home, 'server.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as ServerState);
}

const urlOf = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`;

/** Runs one of PostgreSQL's programs as the server's account; what it prints is the reason when it fails. */
function run(program: string, args: string[], places: Places): Promise<void> {
  return new Promise((done, fail) => {
    // pg_ctl leaves the server behind with the streams it was given, so they must not be pipes that we wait on.
    const child = spawn(program, args, {
      cwd: places.base,
      env: { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' },
      stdio: ['ignore', args[0] === 'start' ? 'ignore' : 'pipe', args[0] === 'start' ? 'ignore' : 'pipe'],
      ...(places.account ?? {}),
    });
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      printed += chunk;
    });
    child.on('error', (error) => fail(new PhaseError('PH5007', { reason: error.message }, { cause: error })));
    child.on('exit', (code) =>
      code === 0
        ? done()
        : fail(new PhaseError('PH5007', { reason: `${args[0]} ended with ${code}. ${printed.trim()}` })),
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.on('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))));
    });
  });
}

/** Two commands that start the same server at once: the second waits for the first. A lock left by a dead one is taken over. */
async function whileAlone<T>(lock: string, body: () => Promise<T>): Promise<T> {
  const until = Date.now() + STARTING_LIMIT_MS;
  for (;;) {
    const taken = await writeFile(lock, String(process.pid), { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (taken) break;
    const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
    else if (Date.now() > until) throw new PhaseError('PH5007', { reason: `${lock} is held by process ${owner}.` });
    else await sleep(100);
  }
  try {
    return await body();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
