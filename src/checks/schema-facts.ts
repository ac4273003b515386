/** What a schema has, as rules ask it; names with their schemas, not quoted: `public.users`. */
export interface SchemaFacts {
  /** Relations, indexes, functions, types and schemas. */
  readonly objects: ReadonlySet<string>;
  /** By table or view, and name. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, ColumnFact>>;
  readonly partitioned: ReadonlySet<string>;
  readonly indexes: readonly IndexFact[];
  readonly constraints: readonly ConstraintFact[];
}

interface ColumnFact {
  readonly type: string;
  readonly notNull: boolean;
}

interface IndexFact {
  readonly table: string;
  readonly name: string;
  readonly isPrimary: boolean;
  readonly isUnique: boolean;
  /** Null for one of all rows. */
  readonly predicate: string | null;
  readonly hasExpressions: boolean;
  /** Its keys. */
  readonly columns: readonly string[];
}

interface ConstraintFact {
  readonly table: string;
  readonly name: string;
  /** As `pg_constraint` has it. */
  readonly type: string;
  readonly definition: string;
  readonly isValid: boolean;
}

/** Whether an index leads to the rows of some values of columns: it begins with them, and holds all rows in which they are not NULL. */
export function isIndexed({ indexes }: SchemaFacts, table: string, columns: readonly string[]): boolean {
  return indexes.some(
    (index) =>
      index.table === table &&
      !index.hasExpressions &&
      columns.every((column) => index.columns.slice(0, columns.length).includes(column)) &&
      (index.predicate === null || columns.some((column) => index.predicate === `(${quoted(column)} IS NOT NULL)`)),
  );
}

/** Whether something tells the rows of a table apart: a primary key, or a unique index over what is never NULL. */
export function hasKey({ indexes, columns }: SchemaFacts, table: string): boolean {
  return indexes.some(
    (index) =>
      index.table === table &&
      (index.isPrimary ||
        (index.isUnique &&
          index.predicate === null &&
          !index.hasExpressions &&
          index.columns.every((column) => columns.get(table)?.get(column)?.notNull === true))),
  );
}

/** Whether a column is NOT NULL, or a valid check says that it is never NULL. */
export function isNeverNull({ columns, constraints }: SchemaFacts, table: string, column: string): boolean {
  if (columns.get(table)?.get(column)?.notNull === true) return true;
  return constraints.some(
    (one) =>
      one.table === table &&
      one.type === 'c' &&
      one.isValid &&
      !/\bOR\b/i.test(one.definition) &&
      one.definition.includes(`(${quoted(column)} IS NOT NULL)`),
  );
}

/** As PostgreSQL prints a name. */
const quoted = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
