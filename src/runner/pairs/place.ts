import { type PairPlace, wayBack } from '../../catalog/pair.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Rename } from '../../domain/rename.ts';
import { ledgerOf } from '../../ledger/connection.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';

/** Whether the table and both columns are there, whatever they are called now. */
export function isThere({ table, columns }: PairPlace): boolean {
  return table !== null && columns.from !== null && columns.to !== null;
}

/** What is not where a rename looks for it: gone, or moved. */
export function displaced(db: LedgerDb, place: PairPlace, rename: Rename): RefusedChange[] {
  return isThere(place) ? moved(place, rename) : gone(place, rename, ledgerOf(db));
}

function gone(place: PairPlace, rename: Rename, ledger: string): RefusedChange[] {
  const { table, columns } = place;
  const on = quoteQualified(rename.table);
  const missing = [
    ...(table === null ? [`the table ${on}`] : []),
    ...(['from', 'to'] as const).filter((side) => columns[side] === null).map((side) => `the column ${rename[side]}`),
  ];
  // Somebody may have brought the rename to its end by hand: what is left has to have its name for the rename to be undone.
  const back = wayBack(place, rename.table, rename).map((statement) => `${statement}; `);
  const instead =
    table !== null && columns.from === null
      ? backFromNew(on, rename, ledger)
      : `${back.join('')}${back.length === 0 ? 'Undo' : 'then undo'} the rename as far as it has run (phase rollback), or bring the table back from a backup.`;
  return missing.map((what) => ({ what: `${what} is not there any more, or was made anew`, instead }));
}

/** Undoing the rename would take the only column along that still has the values. */
function backFromNew(on: string, { name, from, to, type }: Rename, ledger: string): string {
  return [
    'The new column is the only one that holds the values: do not undo the rename.',
    `Add the old one again (ALTER TABLE ${on} ADD COLUMN ${quoteIdent(from)} ${type};),`,
    `forget the record of the old pair (DELETE FROM ${ledger}.pairs WHERE rename = '${name}';),`,
    'make the triggers of the sync from their files in db/functions and db/triggers,',
    `and fill it: UPDATE ${on} SET ${quoteIdent(from)} = ${quoteIdent(to)};`,
  ].join(' ');
}

function moved(place: PairPlace, { table: wanted, from, to }: Rename): RefusedChange[] {
  const now = place.table === null ? '' : quoteQualified(place.table);
  return wayBack(place, wanted, { from, to }).map((statement) => ({
    what: `${now} (${place.columns.from}, ${place.columns.to}) is what ${quoteQualified(wanted)} (${from}, ${to}) was`,
    instead: `Bring it back until phase 3 has run: ${statement};`,
  }));
}
