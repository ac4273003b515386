import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Network } from '../support/network.ts';
import type { Fleet } from './fleet.ts';
import { type Command, Ended, phase } from './phase.ts';

/** What is done to a run of phase. */
const KINDS = ['cut', 'kill', 'stand still', 'restart'] as const;
type Kind = (typeof KINDS)[number];

/** How often one command is disturbed at most, and within which time after it began. */
const TIMES = 3;
const WITHIN_MS = 2_500;
/** A process that stands still for longer than any lock may be waited for. */
const STILL_MS = 1_500;

export interface ChaosOptions {
  readonly fleet: Fleet;
  restartServer(): Promise<void>;
  /** Told of each disturbance. */
  onDisturbance(text: string): void;
}

/** Runs commands of phase that are disturbed at random, and gives each again until it ends well. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #network: Network;
  readonly #counts = new Map<Kind, number>();

  private constructor(options: ChaosOptions, network: Network) {
    this.#options = options;
    this.#network = network;
  }

  /** @param url of the database. */
  static async begin(url: string, options: ChaosOptions): Promise<Chaos> {
    return new Chaos(options, await Network.open(url));
  }

  /** Such as `4 cut, 2 kill`. */
  get summary(): string {
    return KINDS.map((kind) => `${this.#counts.get(kind) ?? 0} ${kind}`).join(', ');
  }

  async phase<T>(command: Command, onLine: (line: string) => void): Promise<T> {
    const { args, env } = command;
    for (let time = 1; ; time++) {
      let trouble: Promise<void> = Promise.resolve();
      const cancelled = new AbortController();
      const onStart = (child: ChildProcess): void => {
        if (time <= TIMES) trouble = this.#disturb(child, args, cancelled.signal);
      };
      try {
        return await phase<T>(
          { ...command, env: { ...env, DATABASE_URL: this.#network.for(env.DATABASE_URL ?? '') } },
          onLine,
          onStart,
        );
      } catch (error) {
        // What nobody disturbed has to end well.
        if (!(error instanceof Ended) || time > TIMES) throw error;
      } finally {
        cancelled.abort();
        await trouble;
      }
    }
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  async #disturb(child: ChildProcess, args: readonly string[], ended: AbortSignal): Promise<void> {
    await sleep(Math.random() * WITHIN_MS, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    const kind = KINDS[Math.floor(Math.random() * KINDS.length)] as Kind;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#options.onDisturbance(`${kind} while phase ${args[0]} runs`);
    if (kind === 'cut') this.#network.cutAll();
    if (kind === 'kill') child.kill('SIGKILL');
    if (kind === 'stand still') {
      child.kill('SIGSTOP');
      await sleep(STILL_MS);
      child.kill('SIGCONT');
    }
    if (kind === 'restart') await this.#options.fleet.during(() => this.#options.restartServer());
  }
}
