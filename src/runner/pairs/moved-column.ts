import { columnsOfNumber, columnsOfTable, type NumberedColumn } from '../../catalog/columns-of.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { Move } from '../../domain/move.ts';
import type { PairFacts, PairRecord } from '../../domain/pair.ts';
import { writePair } from '../../ledger/pairs.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { LedgerDb, Queryable } from '../../postgres/queryable.ts';
import { alteredIn, GROUND } from './mapped-columns.ts';
import type { FollowedChange, RanStep } from './pair.ts';

/** What the record of a move keeps: the columns of both tables that it is of, as the runner left them last. */
interface MovedFacts {
  readonly source: readonly NumberedColumn[];
  readonly target: { readonly table: number; readonly columns: readonly NumberedColumn[] };
}

const factsOf = ({ facts }: PairRecord): MovedFacts => facts as unknown as MovedFacts;

/** The column of a move, as `Pair` is those of a rename: what the sync is not written for is refused. */
export class MovedColumn {
  readonly #db: LedgerDb;
  readonly #move: Move;

  /** @param db in a transaction that prints names qualified. */
  constructor(db: LedgerDb, move: Move) {
    this.#db = db;
    this.#move = move;
  }

  /** Nothing where a column is not there. */
  async begin(phase: 1 | 2): Promise<FollowedChange[]> {
    const { name, table, from, toTable, to, via } = this.#move;
    const [source, target] = [await columnsOfTable(this.#db, table), await columnsOfTable(this.#db, toTable)];
    if (source === null || target === null) return [];
    const own = source.columns.filter((column) => [from, ...via.map((one) => one.source)].includes(column.name));
    const other = target.columns.filter((column) => [to, ...via.map((one) => one.target)].includes(column.name));
    const [old, fresh] = [own.find((column) => column.name === from), other.find((column) => column.name === to)];
    if (old === undefined || fresh === undefined) return [];
    const facts: MovedFacts = { source: own, target: { table: target.oid, columns: other } };
    const numbers = { from: old.number, to: fresh.number };
    const kept = { rename: name, table: source.oid, numbers, phase, ground: GROUND, reviewed: {} };
    await writePair(this.#db, { ...kept, facts: facts as unknown as PairFacts });
    return [];
  }

  async turn(before: PairRecord, phase: 1 | 2): Promise<FollowedChange[]> {
    await writePair(this.#db, { ...before, phase });
    return [];
  }

  /** @throws PH2018 */
  async follow(before: PairRecord, own: RanStep | null): Promise<FollowedChange[]> {
    const changes = await alteredByMove(this.#db, this.#move, before);
    if (own?.direction === 'down' || changes.length === 0) return [];
    throw new PhaseError('PH2018', { rename: this.#move.name, changes });
  }
}

/** What has become of the columns since, as it has to be taken back. */
export async function alteredByMove(db: Queryable, move: Move, record: PairRecord): Promise<RefusedChange[]> {
  const { source, target } = factsOf(record);
  return [
    ...alteredIn(quoteQualified(move.table), source, await columnsOfNumber(db, record.table)),
    ...alteredIn(quoteQualified(move.toTable), target.columns, await columnsOfNumber(db, target.table)),
  ];
}
