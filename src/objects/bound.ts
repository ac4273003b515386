/** An object that is bound to the column by its own text: a view, policy, rule, function with a parsed body, publication ... */
export interface BoundObjectName {
  /** The name of its kind. */
  readonly kind: string;
  /** Views and functions qualified and quoted (functions with their argument types); others by their plain name. */
  readonly name: string;
  /** The table that it is on, qualified and quoted; for views and functions nothing. */
  readonly on?: string | undefined;
}

/** Statements that make an object again from its own text, and bind it to what has the names at that moment. */
export interface Rebinding {
  /** What has to go before names change. */
  readonly before: readonly string[];
  readonly make: readonly string[];
  /** Statements that leave the object there, bound to nothing, until `make` runs; empty where that is not needed. */
  readonly stub: readonly string[];
  /** Whether `make` fills or computes it anew, under an exclusive lock. */
  readonly rewrites: boolean;
}
