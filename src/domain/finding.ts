/** Something that `phase check` found. */
export interface Finding {
  /** Of an error, such as PH3009, or the name of a rule. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** Relative to the project's folder; null where it is none in particular. */
  readonly file: string | null;
  readonly line: number | null;
  readonly message: string;
  readonly remedy: string;
}

/** A place where the application's code names a column. */
export interface Usage {
  /** Relative to the project's folder. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Whether the code says that it is the column of this table, stands where that is named, or has its name alone. */
  readonly certainty: 'sure' | 'likely' | 'by_name';
}
