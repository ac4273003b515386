import { columnsOfNumber, columnsOfTable, type NumberedColumn } from '../../catalog/columns-of.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Mapping } from '../../domain/mapping.ts';
import type { PairFacts, PairRecord, SyncGround } from '../../domain/pair.ts';
import { writePair } from '../../ledger/pairs.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { LedgerDb, Queryable } from '../../postgres/queryable.ts';
import type { FollowedChange, RanStep } from './pair.ts';

/** What the record of a mapping keeps: all of its columns, as the runner left them last. */
interface MappedFacts {
  readonly columns: readonly NumberedColumn[];
}

const factsOf = ({ facts }: PairRecord): MappedFacts => facts as unknown as MappedFacts;

/** The maps of a mapping are written for its columns as they are: nothing of it is made anew. */
export const GROUND: SyncGround = { type: '', default: 'none', standing: null };

/** The columns of a split or a merge, as `Pair` is those of a rename: nothing is followed from one side to the other, and what the maps are not written for is refused. */
export class MappedColumns {
  readonly #db: LedgerDb;
  readonly #mapping: Mapping;

  /** @param db in a transaction that prints names qualified. */
  constructor(db: LedgerDb, mapping: Mapping) {
    this.#db = db;
    this.#mapping = mapping;
  }

  /** Nothing where a column is not there. */
  async begin(phase: 1 | 2): Promise<FollowedChange[]> {
    const { name, table, old, fresh } = this.#mapping;
    const found = await columnsOfTable(this.#db, table);
    const wanted = [...old, ...fresh].map((column) => found?.columns.find((one) => one.name === column.name));
    const columns = wanted.filter((column) => column !== undefined);
    const [from, to] = [columns[0], columns.at(-1)];
    if (found === null || from === undefined || to === undefined || columns.length < wanted.length) return [];
    const facts = { columns } satisfies MappedFacts as unknown as PairFacts;
    const numbers = { from: from.number, to: to.number };
    await writePair(this.#db, { rename: name, table: found.oid, numbers, phase, facts, ground: GROUND, reviewed: {} });
    return [];
  }

  async turn(before: PairRecord, phase: 1 | 2): Promise<FollowedChange[]> {
    await writePair(this.#db, { ...before, phase });
    return [];
  }

  /** @throws PH2018 for a change that the maps are not written for. */
  async follow(before: PairRecord, own: RanStep | null): Promise<FollowedChange[]> {
    const changes = await alteredColumns(this.#db, this.#mapping, before);
    if (own?.direction === 'down' || changes.length === 0) return [];
    throw new PhaseError('PH2018', { rename: this.#mapping.name, changes });
  }
}

/** What has become of the columns since, as it has to be taken back. */
export async function alteredColumns(db: Queryable, mapping: Mapping, record: PairRecord): Promise<RefusedChange[]> {
  return alteredIn(quoteQualified(mapping.table), factsOf(record).columns, await columnsOfNumber(db, record.table));
}

const UNDO =
  'Undo the change as far as it has run (phase rollback), or bring it back from a backup; what is made anew is another one.';

/** The same of some columns of one table. @param found what has its number now. */
export function alteredIn(
  on: string,
  columns: readonly NumberedColumn[],
  found: Awaited<ReturnType<typeof columnsOfNumber>>,
): RefusedChange[] {
  if (found === null) return [{ what: `the table ${on} is not there any more`, instead: UNDO }];
  const moved = {
    what: `${found.table} is what ${on} was`,
    instead: `Bring it back until phase 3 has run (ALTER TABLE ${found.table} RENAME TO, or SET SCHEMA).`,
  };
  return [
    ...(found.table === on ? [] : [moved]),
    ...columns.flatMap((column) => alteredColumn(found.table, column, found.columns)),
  ];
}

function alteredColumn(
  table: string,
  { name, number, type, default: standing }: NumberedColumn,
  columns: readonly NumberedColumn[],
): RefusedChange[] {
  const now = columns.find((column) => column.number === number);
  if (now === undefined) return [{ what: `the column ${name} is not there any more, or was made anew`, instead: UNDO }];
  const renamed = {
    what: `${now.name} is what ${name} was`,
    instead: `Bring it back until phase 3 has run: ALTER TABLE ${table} RENAME COLUMN ${quoteIdent(now.name)} TO ${quoteIdent(name)};`,
  };
  const retyped = {
    what: `the type of ${name} was altered from ${type} to ${now.type}`,
    instead: `Give it back the type ${type} until phase 3 has run, or undo the change (phase rollback).`,
  };
  const redefault = {
    what: `the default of ${name} was altered from ${standing ?? 'none'} to ${now.default ?? 'none'}, by which the sync tells a value that was given`,
    instead: `Give it back until phase 3 has run: ALTER TABLE ${table} ALTER COLUMN ${quoteIdent(name)} ${standing === null ? 'DROP DEFAULT' : `SET DEFAULT ${standing}`};`,
  };
  return [
    ...(now.name === name ? [] : [renamed]),
    ...(now.type === type ? [] : [retyped]),
    ...(standing === undefined || now.default === standing ? [] : [redefault]),
  ];
}
