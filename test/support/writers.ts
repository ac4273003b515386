import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A statement that gives one row a value, for a release that knows the column by some name. */
export type Write = (
  column: string,
  id: number,
  value: string,
) => { readonly text: string; readonly values?: unknown[] };

/** Connections of one release that write all the time, each to rows of its own; every error is kept. */
export class Writers {
  readonly errors: string[] = [];
  /** What the database acknowledged last, by row. */
  readonly book: Map<number, string>;
  readonly #url: string;
  readonly #write: Write;
  #running = false;
  #loops: Promise<void>[] = [];

  constructor(url: string, write: Write, book: Map<number, string>) {
    this.#url = url;
    this.#write = write;
    this.book = book;
  }

  /** `first` keeps the rows of several groups of writers apart. */
  start(column: string, first: number, clients = 3): void {
    this.#running = true;
    this.#loops = Array.from({ length: clients }, (_, number) => this.#loop(column, first + number * 100));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #loop(column: string, first: number): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url, application_name: `writer of ${column}` });
    client.on('error', (error) => this.errors.push(error.message));
    await client.connect();
    for (let count = 0; this.#running; count++) {
      const id = first + (count % 20);
      const value = `v${id}.${count}`;
      try {
        await client.query(this.#write(column, id, value));
        this.book.set(id, value);
      } catch (error) {
        this.errors.push((error as Error).message);
      }
      await sleep(2);
    }
    await client.end();
  }
}
