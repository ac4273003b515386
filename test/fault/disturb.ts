import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { repository } from '../support/bookshop.ts';
import { isCommitted, Network, type WireMessage } from '../support/network.ts';
import { commandsOf, forget, type Journey, type State, stateOf, WaitingClient } from './journey.ts';

/** What happens to a run: its network breaks, for one connection or for all, its server ends or dies, its process is sent a signal. */
export type Way = 'cut this' | 'cut all' | 'restart' | 'crash' | 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGSTOP';

/** One disturbance of a release's commands, at one of their messages, or at one of the server's answers to COMMIT. */
export interface Disturbance {
  readonly release: string;
  readonly way: Way;
  readonly at: { readonly kind: 'message' | 'answer to COMMIT'; readonly number: number };
}

/** What came of it. */
export interface Outcome extends Disturbance {
  /** What was on its way, in words; null when it never came to that message. */
  readonly message: string | null;
  /** Codes of the errors that commands ended with before they were given again. */
  readonly codes: readonly string[];
  /** How long a client waited at most, in milliseconds. */
  readonly waited: number;
  /** What is not as after an undisturbed run; empty when all is. */
  readonly differences: readonly string[];
}

/** What can be done to the server; only to one that nobody else works on. */
export interface ServerControl {
  restart(): Promise<void>;
  crash(): Promise<void>;
  checkpoint(): Promise<void>;
}

/** How long a process stands still. */
const STOPPED_MS = 2_500;
const TRIES = 20;

/** The messages of a release's commands when nothing disturbs them. */
export async function messagesOf(journey: Journey, release: string): Promise<WireMessage[]> {
  const url = await journey.before(release);
  const network = await Network.open(url);
  const seen: WireMessage[] = [];
  network.decide = (message) => {
    seen.push(message);
    return 'on';
  };
  try {
    journey.project.url = network.url;
    for (const command of commandsOf(release)) await journey.project.json(...command);
    return seen;
  } finally {
    await network.close();
    await forget(url, journey.project);
  }
}

/** Runs a release's commands with one disturbance, gives the same command again until it ends well, and compares. */
export async function disturb(journey: Journey, disturbance: Disturbance, server?: ServerControl): Promise<Outcome> {
  const url = await journey.before(disturbance.release);
  // What a template has said of its sequences ahead, a copy of it does not know after a crash.
  if (disturbance.way === 'crash') await server?.checkpoint();
  const client = new WaitingClient(url);
  const run = new DisturbedRun(journey, url, disturbance, server);
  let differences: readonly string[];
  try {
    await run.go();
    differences = differencesOf(await stateOf(url, journey.project), journey.after(disturbance.release));
  } catch (error) {
    differences = [(error as Error).message];
  }
  const waited = await client.stop();
  await run.close();
  await forget(url, journey.project);
  return { ...disturbance, message: run.message, codes: run.codes, waited, differences };
}

class DisturbedRun {
  message: string | null = null;
  readonly codes: string[] = [];
  #child: ChildProcess | null = null;
  #network: Network | null = null;
  #seen = 0;
  /** What the server is being put through. */
  #trouble: Promise<unknown> = Promise.resolve();
  readonly #journey: Journey;
  readonly #url: string;
  readonly #disturbance: Disturbance;
  readonly #server: ServerControl | undefined;

  constructor(journey: Journey, url: string, disturbance: Disturbance, server: ServerControl | undefined) {
    this.#journey = journey;
    this.#url = url;
    this.#disturbance = disturbance;
    this.#server = server;
  }

  async go(): Promise<void> {
    const { project } = this.#journey;
    const network = await Network.open(this.#url);
    this.#network = network;
    network.decide = (message) => this.#decide(message);
    for (const command of commandsOf(this.#disturbance.release)) {
      project.url = network.url;
      for (let tries = 1; ; tries++) {
        const { code, stderr } = await this.#phase(command);
        await this.#trouble;
        if (code === 0) break;
        const [error] = (code !== null && /PH500[05].*|PH\d{4}/.exec(stderr)) || ['killed'];
        this.codes.push(error);
        if (tries === TRIES) throw new Error(`${command.join(' ')} does not come to its end: ${stderr}`);
        await sleep(50);
      }
    }
    // The last message may come when the command has ended already.
    await sleep(50);
    await this.#trouble;
    project.url = this.#url;
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#network?.close();
  }

  #decide(message: WireMessage): 'on' | 'cut this' | 'cut all' {
    const { at, way } = this.#disturbance;
    if (at.kind === 'message' || isCommitted(message)) this.#seen++;
    if (this.message !== null || this.#seen < at.number || (at.kind !== 'message' && !isCommitted(message)))
      return 'on';
    this.message = `${message.from} ${message.type || 'start'} ${message.text.slice(0, 60).replaceAll(/[^\x20-\x7e]+/g, ' ')}`;
    if (way === 'cut this' || way === 'cut all') return way;
    this.#trouble = this.#troubleBy(way);
    return 'on';
  }

  async #troubleBy(way: Exclude<Way, 'cut this' | 'cut all'>): Promise<void> {
    if (way === 'restart' || way === 'crash') {
      await this.#server?.[way]();
      return;
    }
    this.#child?.kill(way);
    if (way !== 'SIGSTOP') return;
    await sleep(STOPPED_MS);
    this.#child?.kill('SIGCONT');
  }

  /** In this process, or in one of its own where that is sent signals. */
  async #phase(command: readonly string[]): Promise<{ code: number | null; stderr: string }> {
    const { project } = this.#journey;
    if (!this.#disturbance.way.startsWith('SIG')) return project.phase(...command);
    const child = spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), ...command], {
      cwd: project.root,
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: project.url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, stderr };
  }
}

function differencesOf(state: State, wanted: State): string[] {
  if (isDeepStrictEqual(state, wanted)) return [];
  return (['schema', 'rows', 'ledger'] as const).flatMap((part) => [
    ...state[part].filter((line) => !wanted[part].includes(line)).map((line) => `${part} + ${line}`),
    ...wanted[part].filter((line) => !state[part].includes(line)).map((line) => `${part} - ${line}`),
  ]);
}
