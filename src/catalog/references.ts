import type { QualifiedName } from '../domain/identifier.ts';
import type { SqlNode } from './sql-trees.ts';

/** A table, and its partitions and children; itself first. Those in no schema that a function searches are hidden: it can only name them with their schema. */
export type Tables = readonly (QualifiedName & { readonly hidden?: boolean })[];

/** Where a function gets rows of a table from, besides its text. */
export interface RowFacts {
  readonly isTriggerOfTable: boolean;
  /** Its arguments that are rows of the table: by their names, where they have any, and by their places, from 1. */
  readonly rowArguments: readonly { readonly name: string; readonly place: number }[];
}

/** What a function is, besides its text. */
export interface FunctionFacts extends RowFacts {
  /** Whether the text has the name of the column at all. */
  readonly mentioned: boolean;
  /** Names of relations that have a column of the name. */
  readonly holders: ReadonlySet<string>;
}

/** Whether a function uses a column: for certain, as far as its text can tell, or not at all. */
export type ColumnUse = 'certain' | 'possible' | 'none';

/** A table as a statement names it. */
export interface Relation {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly alias?: { readonly aliasname?: string; readonly colnames?: readonly unknown[] };
}

/** Whether a name in FROM means one of some tables. */
export function isTable({ schemaname, relname }: Relation, tables: Tables): boolean {
  return tables.some(
    ({ schema, name, hidden }) =>
      relname === name && (schemaname === undefined ? hidden !== true : schemaname === schema),
  );
}

/** The names of a reference to a column, such as `u` and `email`. */
export function pathOf({ fields }: SqlNode): string[] {
  return ((fields ?? []) as { readonly String?: { readonly sval: string } }[]).flatMap(
    ({ String: name }) => name?.sval ?? [],
  );
}
