import type { ListedTable } from '../catalog/find-table.ts';
import type { Scratch } from '../catalog/scratch.ts';
import type { TableShape } from '../catalog/shape.ts';
import type { TreeMember } from '../catalog/tree.ts';
import type { Retype } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { Once } from './once.ts';

/** The column to change, and the name of the new one; its type where that changes, too. */
export interface ColumnNames {
  readonly from: string;
  readonly to: string;
  readonly retype?: Retype | null;
  /** Columns that change with it: of the same table, or of others that a foreign key joins to it. */
  readonly others?: readonly OtherColumn[];
}

export interface OtherColumn extends Pick<ColumnNames, 'from' | 'to' | 'retype'> {
  readonly table: ListedTable;
}

/** A table, or a partition with something of its own, and the copy of its structure on which the column is to be renamed. */
export interface Scratching {
  readonly db: Queryable;
  readonly member: TreeMember;
  readonly scratch: Scratch;
  /** The others are those of the same table. */
  readonly names: ColumnNames;
}

/** What kinds of objects read a table's from, in a transaction that prints names qualified and is rolled back. */
export class TableSources extends Once {
  readonly db: Queryable;
  readonly table: ListedTable;
  readonly names: ColumnNames;
  readonly shape: TableShape;
  readonly members: readonly Scratching[];

  constructor(
    db: Queryable,
    table: ListedTable,
    names: ColumnNames,
    { shape, members }: { readonly shape: TableShape; readonly members: readonly Scratching[] },
  ) {
    super();
    this.db = db;
    this.table = table;
    this.names = names;
    this.shape = shape;
    this.members = members;
  }

  /** What a read finds on each member. */
  async ofMembers<T>(read: (member: Scratching) => Promise<readonly T[]>): Promise<T[]> {
    const found: T[] = [];
    for (const member of this.members) found.push(...(await read(member)));
    return found;
  }
}
