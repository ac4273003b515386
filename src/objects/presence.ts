import { TREE } from '../catalog/tree.ts';
import type { QualifiedName } from '../domain/identifier.ts';
import { sqlQualified, sqlQuoted } from '../postgres/names.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { Once } from './once.ts';

/** What there is by a name; `of any state`: also where it is not valid. */
export type PresentWhat =
  | 'index'
  | 'index of any state'
  | 'constraint'
  | 'constraint of any state'
  | 'statistics'
  | 'not null';

/** What the tables that a rename concerns have now, for the gate. In a transaction that prints names qualified. */
export class Presence extends Once {
  readonly db: Queryable;
  /** The table of the rename, and its number. */
  readonly table: QualifiedName;
  readonly oid: number;

  constructor(db: Queryable, table: QualifiedName, oid: number) {
    super();
    this.db = db;
    this.table = table;
    this.oid = oid;
  }

  /** Whether there is one of a name on a table, or in a schema. */
  async has(what: PresentWhat, on: string, name: string): Promise<boolean> {
    return (await this.once(readPresent)).has(`${what} ${on} ${name}`);
  }
}

async function readPresent({ db, oid }: Presence): Promise<ReadonlySet<string>> {
  const rows = await all<{ object: string }>(db, PRESENT, [oid]);
  return new Set(rows.map(({ object }) => object));
}

/** Every index, constraint and statistics object of the tables that a rename concerns, as a line of text. */
const PRESENT = `
  ${TREE},
  tables AS (SELECT oid FROM tree UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT oid FROM tree)),
  named AS (SELECT c.oid, ${sqlQualified('n', 'c')} AS name
    FROM tables JOIN pg_class c ON c.oid = tables.oid JOIN pg_namespace n ON n.oid = c.relnamespace)
  SELECT 'index ' || named.name || ' ' || c.relname AS object FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN named ON named.oid = i.indrelid
    WHERE i.indisvalid AND i.indisready
  UNION ALL SELECT 'index of any state ' || named.name || ' ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN named ON named.oid = i.indrelid
  UNION ALL SELECT 'statistics ' || ${sqlQuoted('n.nspname')} || ' ' || s.stxname FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxrelid IN (SELECT oid FROM tree)
  UNION ALL SELECT 'constraint ' || named.name || ' ' || conname FROM pg_constraint JOIN named ON named.oid = conrelid WHERE convalidated
  UNION ALL SELECT 'constraint of any state ' || named.name || ' ' || conname FROM pg_constraint JOIN named ON named.oid = conrelid
  UNION ALL SELECT 'not null ' || named.name || ' ' || attname FROM pg_attribute JOIN named ON named.oid = attrelid WHERE attnotnull`;
