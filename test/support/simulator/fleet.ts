import pg from 'pg';
import { quoteIdent } from '../../../src/domain/identifier.ts';
import { type Attribute, attributesAt, type History, nameAt } from './history.ts';

/** Live clients of any set of releases, each writing and reading all the time. The first failure is kept, and thrown. */
export class Fleet {
  readonly #url: string;
  readonly #history: History;
  readonly #clients = new Map<number, Client>();
  #nextRow = 1_000;
  failure: Error | null = null;
  writes = 0;

  constructor(url: string, history: History) {
    this.#url = url;
    this.#history = history;
  }

  /** Places of the releases that are running. */
  get releases(): number[] {
    return [...this.#clients.keys()];
  }

  /** From now on these releases run, and no others. @throws what a client met. */
  async roll(releases: readonly number[]): Promise<void> {
    for (const [release, client] of this.#clients) {
      if (releases.includes(release)) continue;
      this.#clients.delete(release);
      await client.stop();
    }
    for (const release of new Set(releases)) {
      if (!this.#clients.has(release)) this.#clients.set(release, await Client.start(this, release));
    }
    // Each has written at least once in this fleet before anything else happens.
    await Promise.all([...this.#clients.values()].map((client) => client.round()));
    if (this.failure) throw this.failure;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.values()) await client.stop();
    this.#clients.clear();
  }

  get url(): string {
    return this.#url;
  }

  get history(): History {
    return this.#history;
  }

  nextRow(): number {
    return this.#nextRow++;
  }

  /** Others may have gone while something was read: what they would have read does not matter any more. */
  isRunning(release: number): boolean {
    return this.#clients.has(release);
  }
}

class Client {
  readonly #fleet: Fleet;
  readonly #release: number;
  readonly #db: pg.Client;
  readonly #tables: Map<string, Attribute[]>;
  #stopped = false;
  #rounds = 0;
  readonly #loop: Promise<void>;

  private constructor(fleet: Fleet, release: number, db: pg.Client) {
    this.#fleet = fleet;
    this.#release = release;
    this.#db = db;
    this.#tables = new Map();
    for (const attribute of attributesAt(fleet.history, release)) {
      this.#tables.set(attribute.table, [...(this.#tables.get(attribute.table) ?? []), attribute]);
    }
    this.#loop = this.#run();
  }

  static async start(fleet: Fleet, release: number): Promise<Client> {
    const db = new pg.Client({ connectionString: fleet.url, application_name: `release ${release}` });
    db.on('error', () => undefined);
    await db.connect();
    return new Client(fleet, release, db);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await this.#db.end();
  }

  /** Resolves once it has gone through all tables once more, or has failed. */
  async round(): Promise<void> {
    const until = this.#rounds + 2;
    while (this.#rounds < until && !this.#stopped && this.#fleet.failure === null) {
      await new Promise((done) => setTimeout(done, 2));
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#fleet.failure === null) {
      try {
        for (const [table, attributes] of this.#tables) await this.#exercise(table, attributes);
      } catch (error) {
        this.#fleet.failure ??= new Error(`release ${this.#release}: ${(error as Error).message}`, { cause: error });
      }
      this.#rounds += 1;
    }
  }

  /** A row is written by its owner only; after each write every release of the fleet reads it under its own names. */
  async #exercise(table: string, attributes: readonly Attribute[]): Promise<void> {
    const row = this.#fleet.nextRow();
    const values = new Map(attributes.map((attribute, index) => [attribute, `${row} ${index}`]));
    const columns = attributes.map((attribute) => quoteIdent(nameAt(attribute, this.#release)));
    const places = columns.map((_, index) => `$${index + 2}`);
    await this.#db.query(
      `INSERT INTO ${quoteIdent(table)} (id, ${columns.join(', ')}) VALUES ($1, ${places.join(', ')})`,
      [row, ...values.values()],
    );
    await this.#read(table, row, values);
    for (const attribute of attributes) values.set(attribute, `${values.get(attribute)} again`);
    const assignments = columns.map((column, index) => `${column} = $${index + 2}`);
    await this.#db.query(`UPDATE ${quoteIdent(table)} SET ${assignments.join(', ')} WHERE id = $1`, [
      row,
      ...values.values(),
    ]);
    await this.#read(table, row, values);
    this.#fleet.writes += 2;
  }

  async #read(table: string, row: number, values: ReadonlyMap<Attribute, string>): Promise<void> {
    for (const reader of this.#fleet.releases) {
      const known = attributesAt(this.#fleet.history, reader).filter((attribute) => values.has(attribute));
      if (known.length === 0) continue;
      const columns = known.map((attribute) => quoteIdent(nameAt(attribute, reader)));
      try {
        const { rows } = await this.#db.query({
          text: `SELECT ${columns.join(', ')} FROM ${quoteIdent(table)} WHERE id = $1`,
          values: [row],
          rowMode: 'array',
        });
        const found = rows[0] ?? [];
        const wrong = known.findIndex((attribute, index) => found[index] !== values.get(attribute));
        if (wrong !== -1) {
          throw new Error(`${reader} reads ${table}.${columns[wrong]} of ${row} as ${JSON.stringify(found[wrong])}`);
        }
      } catch (error) {
        if (this.#fleet.isRunning(reader)) throw error;
      }
    }
  }
}
