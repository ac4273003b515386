import { TREE } from '../catalog/tree.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { sqlQualified } from '../postgres/names.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { Once } from './once.ts';

/** An object that hangs on a column, by the names that `db/renames` has. */
export interface HangingObject {
  /** The name of its kind; `other` for what is none of any. */
  readonly kind: string;
  readonly name: string;
  /** The table that it is on, qualified and quoted; for statistics their schema; for views and functions empty. */
  readonly on: string;
  /** For messages. */
  readonly description: string;
  /** Whether only phase 3 can free it from the column: it needs the primary key, or holds an upsert. */
  readonly freedLast: boolean;
  /** Whether PostgreSQL drops no column while it is there. */
  readonly blocks: boolean;
}

/** One of a kind that is told by its name. */
export type NamedObject = Pick<HangingObject, 'name' | 'on'>;

/** SQL for the column `$2` of a table and of its partitions: their numbers in `columns`. */
export const ON_COLUMN = `${TREE},
  columns AS (SELECT a.attrelid, a.attnum FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2 AND NOT a.attisdropped)`;

/** SQL for the qualified name of a table by its number. */
export const tableName = (table: string): string => `(SELECT ${sqlQualified('in_schema', 'named')}
    FROM pg_class named JOIN pg_namespace in_schema ON in_schema.oid = named.relnamespace WHERE named.oid = ${table})`;

/** What kinds of objects look in for what hangs on a column now, in a transaction that prints names qualified. */
export class HangingSources extends Once {
  readonly db: Queryable;
  /** The number of the table. */
  readonly table: number;
  readonly column: string;
  /** The sync's own triggers. */
  readonly ours: readonly string[];

  constructor(db: Queryable, { table, column, ours }: Pick<HangingSources, 'table' | 'column' | 'ours'>) {
    super();
    this.db = db;
    this.table = table;
    this.column = column;
    this.ours = ours;
  }
}

/** What is known of an object by its kind and its name alone. */
export function namedBy(kind: {
  readonly name: string;
  readonly noun: string;
}): (object: NamedObject) => HangingObject {
  return ({ name, on }) => ({
    kind: kind.name,
    name,
    on,
    description: `${kind.noun} ${quoteIdent(name)}`,
    freedLast: false,
    blocks: false,
  });
}
