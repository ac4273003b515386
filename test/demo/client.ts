import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Customer, CustomerBook } from './customers.ts';
import type { Dialect } from './dialect.ts';

/** What one connection of one instance of the application does, over and over. */
export type Job = 'insert' | 'update' | 'upsert' | 'bulk' | 'orm' | 'read';
export const JOBS: readonly Job[] = ['insert', 'update', 'upsert', 'bulk', 'orm', 'read'];

export interface ClientOptions {
  readonly url: string;
  /** How the client's release writes customers. */
  readonly dialect: Dialect;
  readonly release: string;
  readonly job: Job;
  readonly name: string;
  readonly book: CustomerBook;
  /** Pause between statements, in milliseconds. */
  readonly pauseMs: number;
}

/** Keys that all upserting clients fight for. */
const CONTENDED_KEYS = 24;
const COUNTRIES = ['GB', 'FR', 'DE', 'NL'];

/**
 * A connection of an instance of the application. It retries nothing: the first error that it gets is kept, and the
 * demo fails. Everything that the database acknowledged goes into the book.
 */
export class Client {
  error: Error | null = null;
  longestMs = 0;
  statements = 0;
  readonly #options: ClientOptions;
  #pg = new pg.Client();
  #running = false;
  #done: Promise<void> = Promise.resolve();
  #counter = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  #newConnection(): pg.Client {
    const { url, release, name } = this.#options;
    const connection = new pg.Client({ connectionString: url, application_name: `bookshop ${release} ${name}` });
    connection.on('error', (error) => {
      this.error ??= error;
    });
    return connection;
  }

  /** Also anew after it was stopped. */
  async start(): Promise<void> {
    this.#pg = this.#newConnection();
    await this.#pg.connect();
    this.#running = true;
    this.#done = this.#loop();
  }

  /** Lets the statement under way end, then disconnects. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
    await this.#pg.end();
  }

  async #loop(): Promise<void> {
    const { job, pauseMs } = this.#options;
    const jobs = {
      insert: this.#insert,
      update: this.#update,
      upsert: this.#upsert,
      bulk: this.#bulk,
      orm: this.#orm,
      read: this.#read,
    };
    while (this.#running && this.error === null) {
      try {
        await jobs[job].call(this);
      } catch (error) {
        this.error = error as Error;
        return;
      }
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }

  async #run<R extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<R[]> {
    const began = performance.now();
    const { rows } = await this.#pg.query<R>(sql, values);
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
    this.statements++;
    return rows;
  }

  async #write<R extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<R[]> {
    const rows = await this.#run<R>(sql, values);
    this.#options.book.writes++;
    return rows;
  }

  #newEmail(): string {
    this.#counter++;
    return `${this.#options.name}.${this.#options.release}.${this.#counter}@clients.example`;
  }

  async #insert(): Promise<void> {
    const { book, dialect } = this.#options;
    const customer = {
      email: this.#newEmail(),
      name: `Inserted by ${this.#options.release}`,
      country: pick(COUNTRIES),
    };
    const [row] = await this.#write<{ id: string }>(dialect.insert, [customer.email, customer.name, customer.country]);
    try {
      await this.#write('INSERT INTO orders (customer_id) VALUES ($1)', [row?.id]);
    } finally {
      // Not before: another client may delete a customer that is in the book.
      book.putBack([{ ...customer, id: Number(row?.id) }]);
    }
  }

  /** Changes the column, or only another one, or deletes the row. */
  async #update(): Promise<void> {
    const { book, dialect, release } = this.#options;
    const [customer] = book.take(1, Math.random);
    if (!customer) return;
    const dice = Math.random();
    if (dice < 0.1) {
      await this.#write('DELETE FROM customers WHERE id = $1', [customer.id]);
      book.delete(customer);
      return;
    }
    const next = dice < 0.6 ? { ...customer, email: this.#newEmail() } : { ...customer, name: `Renamed by ${release}` };
    if (dice < 0.6) await this.#write(dialect.updateEmail, [customer.id, next.email]);
    else await this.#write(dialect.updateName, [customer.id, next.name]);
    book.putBack([next]);
  }

  /** Several clients upsert the same few keys at the same time, one or several in a statement. */
  async #upsert(): Promise<void> {
    const { book, dialect } = this.#options;
    const keys = [
      ...new Set(Array.from({ length: Math.random() < 0.7 ? 1 : 4 }, () => Math.floor(Math.random() * CONTENDED_KEYS))),
    ]
      .sort((a, b) => a - b)
      .map((key) => `contended${String(key).padStart(2, '0')}@clients.example`);
    await this.#write(dialect.upsert, [keys]);
    for (const key of keys) book.visited(key);
    if (Math.random() < 0.02) await this.#forget(keys[0] ?? '');
  }

  /** Deletes a contended key, so that it is inserted anew under contention; its visits leave the book with it. */
  async #forget(key: string): Promise<void> {
    const { book, dialect } = this.#options;
    const [row] = await this.#write<{ visits: number }>(
      `DELETE FROM customers WHERE ${dialect.email} = $1 RETURNING visits`,
      [key],
    );
    if (row) book.visits.set(key, (book.visits.get(key) ?? 0) - row.visits);
  }

  /** Statements over many rows. */
  async #bulk(): Promise<void> {
    const { book, dialect, release } = this.#options;
    if (Math.random() < 0.4) {
      const emails = Array.from({ length: 8 }, () => this.#newEmail());
      const rows = await this.#write<{ id: string; email: string }>(dialect.insertMany, [emails]);
      book.putBack(rows.map(({ id, email }) => ({ id: Number(id), email, name: 'Bulk', country: 'GB' })));
      return;
    }
    const customers = book.take(6, Math.random).sort((a, b) => a.id - b.id);
    if (customers.length === 0) return;
    const next = customers.map((customer) => ({ ...customer, email: this.#newEmail(), name: `Moved by ${release}` }));
    const emails = next.map(({ email }) => email);
    await this.#write(dialect.updateMany, [next.map(({ id }) => id), emails, next.map(({ name }) => name)]);
    book.putBack(next);
  }

  /** Reads a row whole and writes every column that its release knows back, one of them changed. */
  async #orm(): Promise<void> {
    const { book, dialect } = this.#options;
    const [customer] = book.take(1, Math.random);
    if (!customer) return;
    const [row] = await this.#run<{ email: string; name: string; country: string }>(
      `${dialect.select} WHERE c.id = $1`,
      [customer.id],
    );
    ensureSame(customer, row);
    const next = { ...customer, ...(Math.random() < 0.5 ? { email: this.#newEmail() } : { country: pick(COUNTRIES) }) };
    await this.#write(dialect.updateAll, [customer.id, next.email, next.name, next.country]);
    book.putBack([next]);
  }

  /** Looks rows up by the column and by their key; what it reads has to be what was acknowledged. */
  async #read(): Promise<void> {
    const { book, dialect } = this.#options;
    const [customer] = book.take(1, Math.random);
    if (!customer) return;
    const byId = await this.#run<{ email: string; name: string; country: string }>(
      `${dialect.select} WHERE c.id = $1`,
      [customer.id],
    );
    ensureSame(customer, byId[0]);
    const byEmail = await this.#run<{ email: string; name: string; country: string }>(
      `${dialect.select} WHERE lower(c.${dialect.email}) = lower($1)`,
      [customer.email],
    );
    ensureSame(customer, byEmail[0]);
    book.putBack([customer]);
  }
}

function ensureSame(customer: Customer, row: { email: string; name: string; country: string } | undefined): void {
  if (row?.email === customer.email && row.name === customer.name && row.country === customer.country) return;
  throw new Error(
    `Customer ${customer.id} was acknowledged as ${JSON.stringify(customer)}, and reads as ${JSON.stringify(row)}.`,
  );
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
