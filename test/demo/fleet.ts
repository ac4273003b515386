import { Client, JOBS } from './client.ts';
import type { CustomerBook } from './customers.ts';
import type { Dialect } from './dialect.ts';

export interface FleetOptions {
  readonly url: string;
  readonly book: CustomerBook;
  /** Instances of each release. */
  readonly services: number;
  /** Statements a second that an instance aims at. */
  readonly rate: number;
}

/** All running instances of the application, by release. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, Client[]>();
  readonly #all: Client[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Starts the instances of a release: each has a client for every job. */
  async start(release: string, dialect: Dialect): Promise<void> {
    const { url, book, services, rate } = this.#options;
    const clients = Array.from({ length: services }, (_, service) =>
      JOBS.map(
        (job) =>
          new Client({
            url,
            book,
            release,
            dialect,
            job,
            name: `${job}${service}`,
            pauseMs: (1_000 * JOBS.length) / rate,
          }),
      ),
    ).flat();
    await Promise.all(clients.map((client) => client.start()));
    this.#running.set(release, clients);
    this.#all.push(...clients);
  }

  async stop(release: string): Promise<void> {
    await Promise.all((this.#running.get(release) ?? []).map((client) => client.stop()));
    this.#running.delete(release);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((release) => this.stop(release)));
  }

  /** Runs something that ends all connections, a restart of the server: statements under way end before, and clients connect again after it. */
  async during(body: () => Promise<void>): Promise<void> {
    const clients = [...this.#running.values()].flat();
    await Promise.all(clients.map((client) => client.stop()));
    await body();
    await Promise.all(clients.map((client) => client.start()));
  }

  get clients(): number {
    return this.#all.length;
  }

  /** `1.0.0: 12 clients`, for the display. */
  get releases(): string {
    return (
      [...this.#running].map(([release, clients]) => `${release}: ${clients.length} clients`).join(', ') || 'no client'
    );
  }

  get longestMs(): number {
    return Math.max(0, ...this.#all.map((client) => client.longestMs));
  }

  get errors(): Error[] {
    return this.#all.map((client) => client.error).filter((error) => error !== null);
  }
}
