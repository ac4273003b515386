import type pg from 'pg';
import { nodesOf, treesOf } from '../../catalog/sql-trees.ts';
import { treeOf } from '../../catalog/tree.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import type { Written } from '../../ledger/audits.ts';
import type { Connection } from '../../postgres/connection.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all } from '../../postgres/queryable.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import { type AlongRows, keepAlong } from './along.ts';
import { writtenBetween, writtenSoFar } from './effects.ts';
import type { ExpectedChange } from './estimate.ts';
import type { DataChangePlan } from './request.ts';
import type { Statement } from './source.ts';

/** What else a change does than its own rows: what foreign keys take along is kept before it, whole; of the rest it is known how much it is. */
export class SideEffects {
  readonly along: readonly AlongRows[];
  readonly #db: pg.Client;
  readonly #target: ExpectedChange['target'];
  /** The table, as what is written is counted by, and its children; null for a view, whose triggers write what they like. */
  readonly #family: ReadonlySet<string> | null;
  readonly #before: ReadonlyMap<string, Written>;

  private constructor(db: pg.Client, target: ExpectedChange['target'], found: Found) {
    this.#db = db;
    this.#target = target;
    this.along = found.along;
    this.#before = found.before;
    this.#family = found.family;
  }

  /** Before the change; where pre was given, its keys stand in `pg_temp.pre_keys`. */
  static async expect(
    db: Connection,
    { key, pre, change, redact }: DataChangePlan,
    { target }: ExpectedChange,
  ): Promise<SideEffects> {
    return underQualifiedNames(db, async () => {
      const before = await writtenSoFar(db);
      // What is not to be written down here may stand in columns that reference it.
      const isKept = pre !== null && change !== null && target !== null && redact.length === 0;
      const along = isKept ? await keepFor(db, key, change, target) : [];
      return new SideEffects(db, target, { along, before, family: target && (await familyOf(db, target.table)) });
    });
  }

  /** @param rows that the change has given back. @returns what it has written beyond those and what was kept. */
  async beyond(rows: number): Promise<Written[]> {
    if (this.#family === null && this.#target !== null) return [];
    const now = await underQualifiedNames(this.#db, () => writtenSoFar(this.#db));
    return this.#gathered(writtenBetween(this.#before, now))
      .map((one) => this.#without(one, rows))
      .filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0);
  }

  /** Rows of children count as those of their table. */
  #gathered(written: readonly Written[]): Written[] {
    const own = written.filter(({ table }) => this.#family?.has(table));
    const [first] = own;
    if (first === undefined) return [...written];
    const sum = (of: keyof Omit<Written, 'table'>): number => own.reduce((all, one) => all + one[of], 0);
    const family = { table: first.table, inserted: sum('inserted'), updated: sum('updated'), deleted: sum('deleted') };
    return [family, ...written.filter((one) => !own.includes(one))];
  }

  #without(written: Written, rows: number): Written {
    const along = (action: AlongRows['action']): number =>
      this.along
        .filter((kept) => kept.table === written.table && kept.action === action)
        .reduce((sum, kept) => sum + kept.rows, 0);
    const own = this.#ownOf(written, rows);
    const left = (counted: number, expected: number): number => Math.max(0, counted - expected);
    return {
      table: written.table,
      inserted: left(written.inserted, own.inserted),
      updated: left(written.updated, own.updated + along('update')),
      deleted: left(written.deleted, own.deleted + along('delete')),
    };
  }

  /** Of what was written in a table how much may be the rows that the change has given back. */
  #ownOf(written: Written, rows: number): Omit<Written, 'table'> {
    const none = { inserted: 0, updated: 0, deleted: 0 };
    if (this.#target === null || !this.#family?.has(written.table)) return none;
    // An update that moves a row to another partition deletes and inserts it.
    const moved = Math.max(0, rows - written.updated);
    if (this.#target.command === 'DELETE') return { ...none, deleted: rows };
    if (this.#target.command === 'UPDATE') return { inserted: moved, updated: rows, deleted: moved };
    // ON CONFLICT updates, and MERGE does any of it.
    return { inserted: rows, updated: rows, deleted: this.#target.command === 'INSERT' ? 0 : rows };
  }
}

interface Found {
  readonly along: readonly AlongRows[];
  readonly before: ReadonlyMap<string, Written>;
  readonly family: ReadonlySet<string> | null;
}

async function familyOf(db: pg.Client, table: string): Promise<ReadonlySet<string> | null> {
  const rows = await all<{ name: string; isView: boolean }>(
    db,
    `${treeOf('coalesce(pg_catalog.pg_partition_root($1::regclass)::oid, $1::regclass::oid)')}
     SELECT ${sqlQualified('n', 'c')} AS name, c.relkind = 'v' AS "isView" FROM tree
     JOIN pg_catalog.pg_class c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
    [table],
  );
  return rows.some(({ isView }) => isView) ? null : new Set(rows.map(({ name }) => name));
}

async function keepFor(
  db: Connection,
  key: readonly string[],
  change: Statement,
  { table, command }: NonNullable<ExpectedChange['target']>,
): Promise<readonly AlongRows[]> {
  if ((command !== 'DELETE' && command !== 'UPDATE') || !(await hasColumns(db, table, key))) return [];
  const columns = command === 'UPDATE' ? await columnsSet(change.sql) : null;
  const same = key.map((name) => `t.${quoteIdent(name)} = k.${quoteIdent(name)}`).join(' AND ');
  return keepAlong(db, {
    table,
    command,
    columns,
    rows: `(SELECT t.* FROM ${table} AS t JOIN pg_temp.pre_keys AS k ON ${same})`,
  });
}

/** The key may go by other names in the queries than in the table; then its rows cannot be told there. */
async function hasColumns(db: pg.Client, table: string, key: readonly string[]): Promise<boolean> {
  const found = await all(
    db,
    'SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2) AND attnum > 0 AND NOT attisdropped',
    [table, key],
  );
  return found.length === key.length;
}

/** Names of what an UPDATE sets; null when its text does not tell. */
async function columnsSet(sql: string): Promise<string[] | null> {
  const trees = await treesOf(sql).catch(() => []);
  const [update] = nodesOf(trees, 'UpdateStmt');
  if (update === undefined) return null;
  return nodesOf(update.targetList, 'ResTarget').flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}
