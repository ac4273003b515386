import type { FormerLedger } from '../../domain/former-ledger.ts';
import type { Database } from '../../postgres/connection.ts';

/** What is asked for, in place of what is found. */
export interface FormerRequest {
  /** Where its migrations are, relative to the root; undefined: looked for. */
  readonly directory: string | undefined;
  /** Where it keeps what it has run, as SQL names it. */
  readonly table: string | undefined;
}

/** The migrations of another tool. */
export interface FormerMigrations {
  readonly ledger: FormerLedger;
  /** Relative to the root. */
  readonly directory: string;
  /** Runs all of them in an empty database. @returns what their ledger calls them, in the order in which they ran. */
  readonly apply: (database: Database & { readonly connection: string }) => Promise<readonly string[]>;
}

/** A migration as a script. */
export interface FormerScript {
  readonly id: string;
  /** Relative to the root. */
  readonly file: string;
  /** Sent one after the other. */
  readonly parts: readonly string[];
}
