import type { StableId } from '@supabase/pg-delta';

/** One statement on the way from a schema to another one, without its semicolon. */
export interface Statement {
  readonly sql: string;
  /** What it is about, in words: `table public.users`. */
  readonly object: string;
  readonly verb: 'create' | 'alter' | 'drop';
  /** Rows, or values, are gone after it. */
  readonly losesData: boolean;
  /** Not inside a transaction. */
  readonly isAlone: boolean;
  /** Encoded ids of what is gone after it. */
  readonly destroys: readonly string[];
  readonly subject: StableId | null;
  /** The table that it belongs to, where that is not to be told from the subject. */
  readonly about?: StableId | null;
}
