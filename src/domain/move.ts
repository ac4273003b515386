import { type QualifiedName, quoteIdent, quoteQualified, shortHash } from './identifier.ts';
import { castType, type DroppedObject } from './mapping.ts';
import { differs, type Rename, type RenameSync } from './rename.ts';

/** What becomes of a value whose row has no row to write to in the other table. */
export const MISSING = ['create', 'skip', 'refuse'] as const;
export type Missing = (typeof MISSING)[number];

/** Two columns that tell which rows belong together. */
export interface ViaColumn {
  /** Of the table that the value leaves. */
  readonly source: string;
  /** Of the table that it comes to. */
  readonly target: string;
  /** Of both, as PostgreSQL prints it. */
  readonly type: string;
}

/** Keys whose two rows could not be brought into step at once: the table that notes them, and the function that writes it. */
interface Unsettled {
  readonly name: string;
  /** That of the ledger when the change was scaffolded; left out: `phase`. */
  readonly schema?: string | undefined;
}

/** A column that moves to another table, as `db/changes/<name>.yml` keeps it. */
export interface Move {
  readonly name: string;
  readonly kind: 'move';
  readonly table: QualifiedName;
  readonly from: string;
  readonly toTable: QualifiedName;
  readonly to: string;
  /** Of both columns, as PostgreSQL prints it, with its collation where that is not the type's own. */
  readonly type: string;
  readonly byteEqual: boolean;
  /** Whether the old column is NOT NULL until the second phase. */
  readonly notNull: boolean;
  /** Of both columns, one that is the same throughout a transaction. */
  readonly default: string | null;
  readonly via: readonly ViaColumn[];
  /** Whether one row of the source at most belongs to one of the target. */
  readonly isUnique: boolean;
  readonly missing: Missing;
  readonly dropped: readonly DroppedObject[];
  /** What is on the table that the value leaves, and what is on the other one; `moved` are the triggers that fire before a row is written. */
  readonly sync: RenameSync;
  readonly targetSync: RenameSync;
  readonly unsettled: Unsettled;
  /** Tables whose own triggers may change the column though a statement does not name it. */
  readonly unlisted: readonly ('source' | 'target')[];
  /** It is no part of another change. */
  readonly partOf: null;
}

/** The same the other way round: what a row of the source is to hold, over its own columns. */
export function returningOf({ toTable, to, from, via, byteEqual }: Move): {
  readonly value: string;
  readonly where: string;
} {
  const columns = via.map(({ target }, at) => `${quoteIdent(target)} AS triphase_${at + 1}`);
  const rows = `FROM (SELECT ${columns.join(', ')}, ${quoteIdent(to)} AS triphase_value FROM ${quoteQualified(toTable)}) AS triphase_target`;
  const belongs = via.map(({ source }, at) => `triphase_${at + 1} = ${quoteIdent(source)}`).join(' AND ');
  return {
    value: `(SELECT triphase_value ${rows} WHERE ${belongs} FOR NO KEY UPDATE)`,
    where: `(SELECT ${differs('triphase_value', quoteIdent(from), byteEqual)} ${rows} WHERE ${belongs})`,
  };
}

/** What a row is called in a statement, as SQL ends with a dot: `NEW.`, `s.`; empty for the columns alone. */
type Row = string;

/** SQL that is true where two rows belong together. */
export function areJoined({ via }: Pick<Move, 'via'>, source: Row, target: Row): string {
  return via
    .map((column) => `${target}${quoteIdent(column.target)} = ${source}${quoteIdent(column.source)}`)
    .join(' AND ');
}

/** Expressions of the columns that tell rows of one table. */
export function keyOf({ via }: Pick<Move, 'via'>, side: 'source' | 'target', row: Row): string[] {
  return via.map((column) => `${row}${quoteIdent(column[side])}`);
}

/** SQL that is true where two values differ, by bytes. */
export function valuesDiffer({ byteEqual }: Pick<Move, 'byteEqual'>, a: string, b: string): string {
  return differs(a, b, byteEqual);
}

/** SQL that is true where a value was given: it is another one than a row gets that is inserted without one. */
export function isGiven(
  { default: standing, type, byteEqual }: Pick<Move, 'default' | 'type' | 'byteEqual'>,
  value: string,
): string {
  return standing === null
    ? `${value} IS DISTINCT FROM NULL`
    : differs(value, `CAST(${standing} AS ${castType(type)})`, byteEqual);
}

/** The rows of the source, with names that no column of the target is taken for: a statement on a partition of that has no name for it. */
function sourceRows({ table, from, via }: Move): string {
  const columns = via.map(({ source }, at) => `${quoteIdent(source)} AS triphase_${at + 1}`);
  return `(SELECT ${columns.join(', ')}, ${quoteIdent(from)} AS triphase_value FROM ${quoteQualified(table)}) AS triphase_source`;
}

const belongs = ({ via }: Move): string =>
  via.map(({ target }, at) => `triphase_${at + 1} = ${quoteIdent(target)}`).join(' AND ');

/**
 * What a row of the target is to hold, and whether it does not yet, as SQL over its own columns. The row of the source is locked before it is read, so that no writer of it
 * is overtaken. Each is a query of one value: a batch of rows looks up its own, and PostgreSQL joins no whole table to it.
 */
export function fillingOf(move: Move): { readonly value: string; readonly where: string } {
  const rows = `FROM ${sourceRows(move)} WHERE ${belongs(move)}${move.isUnique ? '' : ' LIMIT 1'}`;
  return {
    value: `(SELECT triphase_value ${rows} FOR NO KEY UPDATE)`,
    where: `(SELECT ${valuesDiffer(move, 'triphase_value', quoteIdent(move.to))} ${rows})`,
  };
}

/** SQL over a row of the source, by its own columns: whether it holds a value and has no row to write it to. */
export function isUnplaced({ from, toTable, via }: Move): string {
  const columns = via.map(({ target }, at) => `${quoteIdent(target)} AS triphase_${at + 1}`);
  const rows = `(SELECT ${columns.join(', ')} FROM ${quoteQualified(toTable)}) AS triphase_target`;
  const belongs = via.map(({ source }, at) => `triphase_${at + 1} = ${quoteIdent(source)}`);
  return `${quoteIdent(from)} IS DISTINCT FROM NULL AND NOT EXISTS (SELECT FROM ${rows} WHERE ${belongs.join(' AND ')})`;
}

/** The setting by which a trigger knows what the other table's one has written. */
export function settingOf({ name }: Pick<Move, 'name'>): string {
  return `triphase.m_${shortHash(name)}`;
}

/** A move as what looks at one old and one new column of a table sees it; what is on the other table it knows nothing of. */
export function asSourcePair({ name, table, from, to, type, byteEqual, sync }: Move): Rename {
  return {
    ...{ name, table, from, to, type, byteEqual, sync, default: 'none', standing: null, notNull: false },
    ...{ carried: [], refreshed: [], versions: [], copying: [], retype: null, partOf: null },
  };
}

/** The same of the table that it comes to, where the old column is none. */
export function asTargetPair(move: Move): Rename {
  return { ...asSourcePair(move), table: move.toTable, sync: move.targetSync };
}
