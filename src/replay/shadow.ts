import { randomBytes } from 'node:crypto';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { StartingState } from './starting-state.ts';

const BASE = 'phase_base_';
/** Bases that know what was observed while they grew. */
const GROWN = 'phase_grown_';
/** Both are for what is worked on at present; older ones go. */
const KEPT_BASES = 3;

/** What many databases begin with: made once, and cloned. */
export interface Base {
  /** Names what is in it. */
  readonly key: string;
  /** Is told the URL of an empty database. */
  fill(url: string): Promise<void>;
}

/** What a database is to be kept as. */
export interface Grown {
  /** Names what is in it. */
  readonly key: string;
  /** Whatever is to be known of it the next time. */
  readonly note: string;
}

/** What was to be gone on from is not there any more. */
export class GrownGone extends Error {}

/** A server for databases that nobody keeps. */
export class ShadowServer {
  readonly #url: string;
  readonly #start: StartingState;

  /** @param url of a database on it. @param start what its databases begin with. */
  constructor(url: string, start: StartingState) {
    this.#url = url;
    this.#start = start;
  }

  get #base(): string {
    return `${BASE}${this.#start.key}`;
  }

  get #grown(): string {
    return `${GROWN}${this.#start.key}`;
  }

  /** A new, empty database, given to somebody and dropped afterwards. */
  withDatabase<T>(body: (url: string) => Promise<T>): Promise<T> {
    return this.#with((name) => this.#create(name, null), body);
  }

  /** The same with what a base holds. */
  withClone<T>(base: Base, body: (url: string) => Promise<T>): Promise<T> {
    return this.#with((name) => this.#clone(name, base), body);
  }

  /** What was kept by `grow`: the notes, by their keys. */
  async grown(): Promise<Map<string, string>> {
    const rows = await this.#on((db) =>
      all<{ name: string; note: string }>(
        db,
        `SELECT datname AS name, pg_catalog.shobj_description(oid, 'pg_database') AS note FROM pg_catalog.pg_database
         WHERE starts_with(datname, '${this.#grown}') AND pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL`,
      ),
    );
    return new Map(rows.map(({ name, note }) => [name.slice(this.#grown.length), note]));
  }

  /**
   * Goes on from a database that was kept, or with null from an empty one, and keeps what it has become.
   * @param body gives what to keep it as; null for one that is not to be kept.
   * @throws GrownGone where somebody has taken it for an old one meanwhile.
   */
  async grow(from: string | null, body: (url: string) => Promise<Grown | null>): Promise<void> {
    const fresh = `phase_filling_${randomBytes(6).toString('hex')}`;
    await this.#create(fresh, from === null ? null : `${this.#grown}${from}`).catch((error) => {
      throw codeOf(error) === sqlState.invalidCatalogName ? new GrownGone() : error;
    });
    try {
      const grown = await body(this.#urlOf(fresh));
      if (grown !== null) await this.#keep(fresh, grown);
    } finally {
      await this.#drop(fresh);
    }
  }

  /** Two may grow the same at once: whoever comes second leaves the first one's. */
  async #keep(fresh: string, { key, note }: Grown): Promise<void> {
    const name = `${this.#grown}${key}`;
    await this.#run(`COMMENT ON DATABASE ${fresh} IS ${quoteLiteral(note)}`);
    try {
      await this.#run(`ALTER DATABASE ${fresh} RENAME TO ${quoteIdent(name)}`);
    } catch (error) {
      if (!(await this.#has(name))) throw error;
    }
    await this.#dropOld(GROWN);
  }

  async #with<T>(make: (name: string) => Promise<void>, body: (url: string) => Promise<T>): Promise<T> {
    const name = `phase_shadow_${randomBytes(6).toString('hex')}`;
    await make(name);
    try {
      return await body(this.#urlOf(name));
    } finally {
      await this.#drop(name);
    }
  }

  /** Somebody else may take a base for an old one between our finding and our cloning it. */
  async #clone(name: string, base: Base): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#create(name, await this.#find(base));
        return;
      } catch (error) {
        if (codeOf(error) !== sqlState.invalidCatalogName || attempt === 5) throw error;
      }
    }
  }

  /** Its name; it is filled where it is not there. */
  async #find({ key, fill }: Base): Promise<string> {
    const name = `${this.#base}${key}`;
    if (await this.#has(name)) return name;
    const fresh = `phase_filling_${randomBytes(6).toString('hex')}`;
    await this.#create(fresh, null);
    try {
      await fill(this.#urlOf(fresh));
      await this.#run(`ALTER DATABASE ${fresh} RENAME TO ${quoteIdent(name)}`);
    } catch (error) {
      // Two may fill the same base at once: whoever comes second uses the first one's.
      if (!(await this.#has(name))) throw error;
    } finally {
      await this.#drop(fresh);
    }
    await this.#dropOld(BASE);
    return name;
  }

  #urlOf(database: string): string {
    const url = new URL(this.#url);
    url.pathname = `/${encodeURIComponent(database)}`;
    return url.href;
  }

  #drop(name: string): Promise<void> {
    return this.#run(`DROP DATABASE IF EXISTS ${quoteIdent(name)} WITH (FORCE)`);
  }

  /** @param template null for an empty one, which is filled with what all begin with. */
  async #create(name: string, template: string | null): Promise<void> {
    const { owner, fill } = this.#start;
    await this.#run(`CREATE DATABASE ${quoteIdent(name)} TEMPLATE ${quoteIdent(template ?? 'template0')}`);
    try {
      if (template === null) await fill(this.#urlOf(name));
      if (owner !== null) await this.#run(`ALTER DATABASE ${quoteIdent(name)} OWNER TO ${quoteIdent(owner)}`);
    } catch (error) {
      await this.#drop(name);
      throw error;
    }
  }

  async #has(name: string): Promise<boolean> {
    const found = await this.#on((db) => all(db, 'SELECT FROM pg_catalog.pg_database WHERE datname = $1', [name]));
    return found.length > 0;
  }

  /** Later ones have higher oids. One that somebody clones at this moment stays. */
  async #dropOld(prefix: typeof BASE | typeof GROWN): Promise<void> {
    const names = await this.#on((db) =>
      all<{ name: string }>(
        db,
        `SELECT datname AS name FROM pg_catalog.pg_database WHERE starts_with(datname, '${prefix}') ORDER BY oid DESC OFFSET ${KEPT_BASES}`,
      ),
    );
    for (const { name } of names) await this.#run(`DROP DATABASE IF EXISTS ${quoteIdent(name)}`).catch(() => undefined);
  }

  async #run(sql: string): Promise<void> {
    await this.#on((db) => db.query(sql));
  }

  #on<T>(body: (db: Queryable) => Promise<T>): Promise<T> {
    return withConnection({ ...plainDatabase(this.#url), applicationName: 'phase shadow' }, body);
  }
}
