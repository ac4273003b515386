import type { SqlNode } from './sql-trees.ts';

/** A statement of a function's body, and what becomes of its rows. */
export interface BodyStatement {
  readonly tree: SqlNode;
  /** Its rows are the function's own: RETURN, RETURN QUERY, or the last statement of a function in SQL. */
  readonly returned: boolean;
  /** Into how many variables its columns go, by their order; 0 where they do not. */
  readonly variables: number;
  /** The one variable that its row goes into, such as a record; null where none does. */
  readonly record: string | null;
}

/** The body of a function, taken apart by PostgreSQL's own parsers. */
export interface Body {
  readonly statements: readonly BodyStatement[];
  /** Fields of records that it names, those of NEW and OLD among them. */
  readonly fields: readonly { readonly record: string; readonly name: string }[];
  /** Fields of records, NEW among them, that it gives a value. */
  readonly assignedFields: readonly { readonly record: string; readonly name: string }[];
  /** Types that it takes from elsewhere, such as `users.email%type`, in lower case. */
  readonly takenTypes: readonly string[];
  /** Names of its variables and arguments, each with the types that it is declared with: several where blocks have their own. */
  readonly variables: ReadonlyMap<string, readonly string[]>;
  /** Other names of variables, by ALIAS FOR, and whose they are. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Variables that it returns as they are. */
  readonly returnedVariables: readonly string[];
  /** Texts in it, of which it may run any. */
  readonly texts: readonly string[];
  /** The statements that such texts are. */
  readonly statementsInTexts: readonly SqlNode[];
}
