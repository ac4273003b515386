import type { QualifiedName } from '../domain/identifier.ts';
import type { SqlNode } from './bodies.ts';

/** A table, and its partitions and children; itself first. */
export type Tables = readonly QualifiedName[];

/** What a function is, besides its text. */
export interface FunctionFacts {
  /** Whether the text has the name at all. */
  readonly mentioned: boolean;
  readonly isTriggerOfTable: boolean;
  /** Its arguments that are rows of the table: by their names, where they have any, and by their places, from 1. */
  readonly rowArguments: readonly { readonly name: string; readonly place: number }[];
}

/** Whether a function uses a column: for certain, as far as its text can tell, or not at all. */
export type ColumnUse = 'certain' | 'possible' | 'none';

/** A table as a statement names it. */
export interface Relation {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly alias?: { readonly aliasname?: string };
}

/** Whether a name in FROM means one of some tables. */
export function isTable({ schemaname, relname }: Relation, tables: Tables): boolean {
  return tables.some(({ schema, name }) => relname === name && (schemaname === undefined || schemaname === schema));
}

/** The names of a reference to a column, such as `u` and `email`. */
export function pathOf({ fields }: SqlNode): string[] {
  return ((fields ?? []) as { readonly String?: { readonly sval: string } }[]).flatMap(
    ({ String: name }) => name?.sval ?? [],
  );
}
