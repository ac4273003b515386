import { closeSync, openSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reasonOf } from '../errors.ts';
import { whileAlone } from './alone.ts';
import { nativeFolder } from './binaries.ts';
import { type EmbeddedOptions, type Places, placesOf } from './places.ts';
import { reachableBinaries, runProgram } from './programs.ts';

export type { EmbeddedOptions } from './places.ts';

/** What a running server left on disk for the next command. */
interface ServerState {
  readonly port: number;
  readonly version: number;
}

/**
 * Starts the server, or finds it started. Data are kept over stops. It listens on 127.0.0.1 only and asks for no
 * password, since it is for development.
 * @param whileStarting runs before anybody else can start or stop it.
 * @returns the URL of its database `postgres`.
 * @throws PH1018 when the version is not installed, PH5007 when it cannot be started.
 */
export async function startEmbedded(
  options: EmbeddedOptions,
  whileStarting: (url: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const places = placesOf(options);
  await mkdir(places.home, { recursive: true });
  return whileAlone(places.lock, async () => {
    const url = (await runningUrl(places)) ?? (await startAt(places, options));
    await whileStarting(url);
    return url;
  });
}

async function startAt(places: Places, options: EmbeddedOptions): Promise<string> {
  const native = nativeFolder(options.version, options.project);
  await mkdir(places.base, { recursive: true });
  const binaries = await reachableBinaries(native, options.version, places);
  await initialise(binaries, places);
  return start(binaries, places, options);
}

/** Stops the server and keeps its data. False when none was running. */
export async function stopEmbedded(options: EmbeddedOptions): Promise<boolean> {
  const places = placesOf(options);
  if ((await runningUrl(places)) === null) return false;
  const native = nativeFolder(options.version, options.project);
  const binaries = await reachableBinaries(native, options.version, places);
  await runProgram(join(binaries, 'bin', 'pg_ctl'), ['stop', '-D', places.data, '-m', 'fast', '-w'], places);
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
  await runProgram(
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
      await runProgram(
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
