import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { areJoined, keyOf, type Move, settingOf, valuesDiffer } from '../domain/move.ts';
import { type Ahead, unsettledNotes } from '../domain/unsettled.ts';
import { isRetryable } from '../postgres/errors.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';

/** Keys that one statement reads. */
const KEYS_AT_ONCE = 500;
const ATTEMPTS = 5;

/** Whether the notes of a move are there: from its first phase to its last. */
export async function hasNotes(db: Queryable, move: Move): Promise<boolean> {
  const { found } = await one<{ found: boolean }>(db, 'SELECT pg_catalog.to_regclass($1) IS NOT NULL AS found', [
    unsettledNotes(move).table,
  ]);
  return found;
}

/**
 * Brings the rows into step whose keys the triggers have noted. One after the other, each in a transaction of its own; a row that somebody holds stays noted. The side that
 * was noted last is ahead: what it holds is written to the other one, unless a write has come since that reached both.
 * @returns how many keys were looked at.
 */
export async function settleNotes(db: Queryable, move: Move): Promise<number> {
  if (!(await hasNotes(db, move))) return 0;
  const isTurned = await isSecondPhase(db, move);
  let settled = 0;
  let failures = 0;
  for (;;) {
    const keys = await notedKeys(db, move);
    if (keys.length === 0 || failures >= ATTEMPTS) return settled;
    const before = settled;
    for (const key of keys) {
      const isSettled = await inTransaction(db, async () => {
        await db.query("SET LOCAL lock_timeout = '500ms'");
        await settleKey(db, move, key, isTurned);
        return true;
      }).catch((error: unknown) => {
        if (!isRetryable(error)) throw error;
        return false;
      });
      if (isSettled) settled++;
    }
    if (settled - before < keys.length) failures++;
  }
}

/** The same in a transaction that nobody writes beside: the tables are locked. */
export async function settleLocked(db: Queryable, move: Move): Promise<void> {
  if (!(await hasNotes(db, move))) return;
  const isTurned = await isSecondPhase(db, move);
  for (let keys = await notedKeys(db, move); keys.length > 0; keys = await notedKeys(db, move))
    for (const key of keys) await settleKey(db, move, key, isTurned);
}

/** Whether the target has authority by now. */
async function isSecondPhase(db: Queryable, { toTable, targetSync }: Move): Promise<boolean> {
  const { found } = await one<{ found: boolean }>(
    db,
    'SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass($1) AND tgname = $2) AS found',
    [quoteQualified(toTable), targetSync.triggers[1]],
  );
  return found;
}

/** Values of the key's columns, as texts. */
type Key = readonly (string | null)[];

async function notedKeys(db: Queryable, move: Move): Promise<Key[]> {
  const columns = move.via.map((_, at) => `key_${at + 1}::text`);
  const rows = await all<{ key: Key }>(
    db,
    `SELECT DISTINCT ARRAY[${columns.join(', ')}] AS key FROM ${unsettledNotes(move).table} LIMIT ${KEYS_AT_ONCE}`,
  );
  return rows.map(({ key }) => key);
}

async function settleKey(db: Queryable, move: Move, key: Key, isTurned: boolean): Promise<void> {
  const { source, target, ofSource, ofTarget, noted } = partsOf(move);
  // Whoever writes one of them is waited for, and read: only then is it known which note is the last.
  await db.query(`SELECT FROM ${target} AS t WHERE ${ofTarget} FOR NO KEY UPDATE`, [...key]);
  await db.query(`SELECT FROM ${source} AS s WHERE ${ofSource} FOR NO KEY UPDATE`, [...key]);
  const notes = unsettledNotes(move).table;
  // What somebody wrote counts more than what a row was to take.
  const [last] = await all<{ side: Ahead }>(
    db,
    `SELECT side FROM ${notes} WHERE ${noted} ORDER BY side = 'either', id DESC LIMIT 1`,
    [...key],
  );
  if (last === undefined) return;
  await db.query("SELECT pg_catalog.set_config($1, '0', true)", [settingOf(move)]);
  for (const statement of settling(move, last.side, isTurned)) await db.query(statement, [...key]);
  await db.query(`DELETE FROM ${notes} WHERE ${noted}`, [...key]);
  await db.query("SELECT pg_catalog.set_config($1, '', true)", [settingOf(move)]);
}

/** SQL that settling is made of; the key's values are its parameters. */
function partsOf(move: Move) {
  const { table, toTable, from, to, via } = move;
  const at = (columns: readonly string[]): string =>
    columns.map((column, i) => `${column} = $${i + 1}::${via[i]?.type}`).join(' AND ');
  return {
    source: quoteQualified(table),
    target: quoteQualified(toTable),
    ofSource: at(keyOf(move, 'source', 's.')),
    ofTarget: at(keyOf(move, 'target', 't.')),
    noted: at(via.map((_, i) => `key_${i + 1}`)),
    old: `s.${quoteIdent(from)}`,
    fresh: `t.${quoteIdent(to)}`,
    joined: areJoined(move, 's.', 't.'),
  };
}

/** Statements that write what the side that is ahead holds to the other one. */
function settling(move: Move, side: Ahead, isTurned: boolean): string[] {
  const { source, target, ofSource, ofTarget, old, fresh, joined } = partsOf(move);
  const [from, to] = [quoteIdent(move.from), quoteIdent(move.to)];
  const differ = valuesDiffer(move, old, fresh);
  const forward = `UPDATE ${target} AS t SET ${to} = ${old} FROM ${source} AS s WHERE ${ofTarget} AND ${joined} AND ${differ}`;
  const back = `UPDATE ${source} AS s SET ${from} = ${fresh} FROM ${target} AS t WHERE ${ofSource} AND ${joined} AND ${differ}`;
  const hasValue = `${old} IS DISTINCT FROM NULL`;
  // Of several rows of the source one was ahead of the others, too.
  if (side === 'source') return move.isUnique ? [forward] : [forward, back];
  if (side === 'either') return [`${forward} AND ${hasValue}`, back];
  // In the first phase the source has authority, and a row of the target without a value may be one that is not filled yet.
  if (!isTurned) return [`${forward} AND ${hasValue} AND ${fresh} IS NOT DISTINCT FROM NULL`, back];
  if (side === 'target') return [back];
  const lonely = `UPDATE ${source} AS s SET ${from} = NULL WHERE ${ofSource} AND ${hasValue} AND NOT EXISTS (SELECT FROM ${target} AS t WHERE ${joined})`;
  return [back, lonely];
}
