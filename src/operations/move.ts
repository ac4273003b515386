import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { isUnplaced, keyOf, type Move } from '../domain/move.ts';
import { unsettledNotes } from '../domain/unsettled.ts';
import { takeBackDefaults } from '../postgres/default-privileges.ts';
import { contextOf } from './context.ts';
import { runAll, runSql } from './execute.ts';
import { ensureLedgerSchema } from './stragglers.ts';

/** Makes what the triggers of a move note keys in whose two rows could not be brought into step at once. @throws PH1026, PH3025 */
export async function createUnsettled(knex: Knex, name: string): Promise<void> {
  const move = moveOf(knex, name);
  await ensureLedgerSchema(knex, move.unsettled.schema);
  const { table, create } = unsettledNotes(move);
  // It holds values of the application.
  await runAll(knex, [...create, takeBackDefaults('TABLE', table)]);
}

/** Undoes `createUnsettled`. @throws PH1026 */
export async function dropUnsettled(knex: Knex, name: string): Promise<void> {
  await runAll(knex, unsettledNotes(moveOf(knex, name)).drop);
}

/**
 * Gives rows of a move's first table, which are locked, the rows of the other one that their values are written to.
 * @param rows with the columns that tell which rows belong together.
 * @throws PH1026
 */
export async function insertMissing(
  knex: Knex,
  name: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const move = moveOf(knex, name);
  const { table, from, toTable, to, via } = move;
  const columns = [...via.map(({ target }) => quoteIdent(target)), quoteIdent(to)];
  const key = keyOf(move, 'source', '');
  const keys = via.map(({ type }, at) => `$${at + 1}::${type.replace(/ COLLATE .*$/, '')}[]`);
  const among = via.map((_, at) => `given.key_${at + 1} = ${key[at]}`);
  const names = via.map((_, at) => `key_${at + 1}`);
  await runSql(
    knex,
    `INSERT INTO ${quoteQualified(toTable)} (${columns.join(', ')})
     SELECT DISTINCT ON (${key.join(', ')}) ${key.join(', ')}, ${quoteIdent(from)} FROM ${quoteQualified(table)}
     WHERE ${isUnplaced(move)} AND EXISTS (SELECT FROM pg_catalog.unnest(${keys.join(', ')}) AS given(${names.join(', ')}) WHERE ${among.join(' AND ')})
     ON CONFLICT DO NOTHING`,
    via.map(({ source }) => rows.map((row) => row[source])),
  );
}

function moveOf(knex: Knex, name: string): Move {
  const { moves } = contextOf(knex);
  const move = moves.get(name);
  if (move === undefined) throw new PhaseError('PH1026', { rename: name, known: [...moves.keys()] });
  return move;
}
