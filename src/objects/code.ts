import type { Knex } from 'knex';
import type { BackfillRequest } from '../data/backfill/run.ts';
import type * as operations from '../operations/public.ts';

/** A value in a scaffolded call. */
export type Argument =
  | string
  | number
  | boolean
  | Reference<unknown>
  | readonly Argument[]
  | { readonly [key: string]: Argument | undefined };

/** What a scaffolded migration does, as data: the templates print it, tests read it. */
export type Code =
  | { readonly kind: 'call'; readonly name: OperationName; readonly args: readonly Argument[] }
  /** Work on data, which the runner hands to the migration. */
  | { readonly kind: 'backfill'; readonly request: Argument }
  /** Rows of a table, in batches, whose values have no row to go to in the other table of a move: they get one. */
  | {
      readonly kind: 'insertMissing';
      readonly name: string;
      readonly table: string;
      readonly columns: readonly string[];
      readonly where: string;
    }
  /** Several calls in one transaction that is retried as a whole. */
  | { readonly kind: 'atomically'; readonly body: readonly Code[] }
  /** Only while the table does not have the column. */
  | { readonly kind: 'unlessColumn'; readonly on: string; readonly column: string; readonly body: readonly Code[] }
  /** Only while a column is of a type. */
  | {
      readonly kind: 'whileOfType';
      readonly on: string;
      readonly column: string;
      readonly type: string;
      readonly body: readonly Code[];
    };

/** A constant of the migration, by its name, that holds a `T`. */
export class Reference<T> {
  readonly constant: string;
  declare readonly holds?: T;

  constructor(constant: string) {
    this.constant = constant;
  }
}

type Operations = typeof operations;

/** The operations that take a knex first: all that generated code can call. */
export type OperationName = {
  [K in keyof Operations]: Operations[K] extends (knex: Knex, ...args: infer A) => Promise<void>
    ? A extends readonly ((...args: never[]) => unknown)[]
      ? never
      : K
    : never;
}[keyof Operations];

/** The arguments of an operation after its knex; a field may be a constant of the migration. */
type Arguments<K extends OperationName> = Operations[K] extends (knex: Knex, ...args: infer A) => unknown
  ? { readonly [I in keyof A]: Written<A[I]> }
  : never;
type Written<T> = T extends object ? { readonly [P in keyof T]: T[P] | Reference<T[P]> } : T;

/** A call of an operation; its arguments are those of the operation itself, so that a wrong one does not compile. */
export function call<K extends OperationName>(name: K, ...args: Arguments<K>): Code {
  return { kind: 'call', name, args: args as readonly unknown[] as readonly Argument[] };
}

export const execute = (sql: string): Code => call('execute', sql);

/** Work on data, as `backfill` of the migration's second argument takes it. */
export function backfill(request: BackfillRequest): Code {
  return { kind: 'backfill', request: request as object as Argument };
}

/** The operations that some code calls, sorted: what its file imports. */
export function importsOf(code: readonly Code[]): string[] {
  const names = code.flatMap((part): string[] => {
    if (part.kind === 'call') return [part.name];
    if (part.kind === 'backfill') return [];
    if (part.kind === 'insertMissing') return ['insertMissing'];
    const own = { atomically: 'atomically', unlessColumn: 'hasColumn', whileOfType: 'isOfType' }[part.kind];
    return [own, ...importsOf(part.body)];
  });
  return [...new Set(names)].sort();
}

/** Whether some code runs a backfill. */
export function backfills(code: readonly Code[]): boolean {
  return code.some(
    (part) => part.kind === 'backfill' || part.kind === 'insertMissing' || ('body' in part && backfills(part.body)),
  );
}
