import { readPairFacts } from '../../catalog/attributes.ts';
import { readColumn } from '../../catalog/column.ts';
import { columnsOfTable } from '../../catalog/columns-of.ts';
import { placeOf, wayBack } from '../../catalog/pair.ts';
import { TREE } from '../../catalog/tree.ts';
import { type Change, isMapping, isRename } from '../../domain/change.ts';
import type { Mapping } from '../../domain/mapping.ts';
import type { Move } from '../../domain/move.ts';
import { authorityIn, otherSide, type PairRecord } from '../../domain/pair.ts';
import { inPhase, type Rename, syncTriggers } from '../../domain/rename.ts';
import { follow } from '../../planner/rename/follow.ts';
import { looking } from '../../postgres/looking.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { alteredColumns } from './mapped-columns.ts';
import { alteredByMove } from './moved-column.ts';
import { isThere } from './place.ts';
import { refusedBesides } from './refused.ts';

/**
 * What was altered by hand of the columns of a rename since the runner saw to them last, in words: the next run follows it, or refuses it.
 * Writes nothing.
 */
export function alteredByHand(db: Queryable, change: Change, record: PairRecord): Promise<string[]> {
  if (!isRename(change)) return alteredOf(db, change, record);
  const rename = inPhase(change, record.phase);
  return looking(db, async () => {
    const names = { from: rename.from, to: rename.to };
    const place = await placeOf(db, record.table, record.numbers);
    const back = wayBack(place, rename.table, names);
    if (!isThere(place)) return ['the table or one of its columns is gone'];
    if (back.length > 0) return back.map((statement) => `not in its place; back by ${statement}`);
    // Of a retype the rest is what the exchange takes along.
    if (rename.retype !== null) return missingSync(db, rename, record);
    const now = await readPairFacts(db, record.table, record.numbers);
    const column = await readColumn(db, record.table, rename.table, rename.from);
    const {
      copies,
      default: standing,
      nullable,
      nullableMembers,
      refused,
    } = follow(record.facts, now, {
      authority: authorityIn(record.phase),
      names,
    });
    const other = (side: 'from' | 'to'): string => `${names[side]}, which ${names[otherSide(side)]} will follow`;
    return [
      ...[...refused, ...(await refusedBesides(db, rename, record.table, column))].map(({ what }) => what),
      ...copies.map(({ attribute, side }) => `${attribute} of ${other(side)}`),
      ...(standing === null || refused.length > 0 ? [] : [`default of ${other(standing)}`]),
      ...(nullable === null ? [] : [`NOT NULL of ${other(nullable)}`]),
      ...nullableMembers.map(({ member, side }) => `NOT NULL of ${other(side)}, on ${member}`),
      ...(await missingSync(db, rename, record)),
    ];
  });
}

function alteredOf(db: Queryable, change: Mapping | Move, record: PairRecord): Promise<string[]> {
  return looking(db, async () => [
    ...(isMapping(change) ? await alteredColumns(db, change, record) : await alteredByMove(db, change, record)).map(
      ({ what }) => what,
    ),
    ...(await missingSync(db, change, record)),
    ...(isMapping(change) ? [] : await missingTargetSync(db, change, record)),
  ]);
}

async function missingTargetSync(
  db: Queryable,
  { toTable, targetSync: sync }: Move,
  { phase }: PairRecord,
): Promise<string[]> {
  const found = await columnsOfTable(db, toTable);
  return found === null ? [] : missingSync(db, { sync }, { table: found.oid, phase });
}

/** Without its triggers writes of one release do not reach the other. */
async function missingSync(
  db: Queryable,
  { sync }: Pick<Rename, 'sync'>,
  { table, phase }: Pick<PairRecord, 'table' | 'phase'>,
): Promise<string[]> {
  const rows = await all<{ name: string; on: string; root: boolean }>(
    db,
    `${TREE} SELECT wanted.name, c.oid::regclass::text AS "on", c.oid = $1::oid AS root
     FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND NOT c.relispartition CROSS JOIN unnest($2::text[]) AS wanted(name) WHERE NOT EXISTS (
       SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND tgname = wanted.name AND tgenabled IN ('O', 'A'))`,
    [table, syncTriggers(sync, phase)],
  );
  return rows.map(
    ({ name, on, root }) =>
      `the trigger ${name} of its sync${root ? '' : ` on ${on}`} is missing or disabled, so writes of one release do not reach the other`,
  );
}
