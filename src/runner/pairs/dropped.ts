import type { Knex } from 'knex';
import { quoteQualified } from '../../domain/identifier.ts';
import type { PairRecord } from '../../domain/pair.ts';
import { inPhase, isTwinned, type Rename, syncedWith, type TwinnedObject, wholeOf } from '../../domain/rename.ts';
import { readPairs, writePair } from '../../ledger/pairs.ts';
import { twinnedKind } from '../../objects/registry.ts';
import { dropTwin } from '../../operations/twins.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import { connectionOf } from '../../postgres/knex.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import type { RanStep } from './pair.ts';

/** A twin that was dropped since its original was. */
export interface DroppedTwin extends Pick<TwinnedObject, 'kind' | 'name' | 'twin'> {
  readonly rename: string;
}

/**
 * What somebody has dropped from the old column restricts the new one no longer: a check that was dropped so that a release may write other values
 * would else refuse them until phase 3. In the transaction of the caller.
 */
export async function dropLonelyTwins(
  trx: Knex.Transaction,
  renames: ReadonlyMap<string, Rename>,
  ran: RanStep | null,
): Promise<DroppedTwin[]> {
  const db = await connectionOf(trx);
  const dropped: DroppedTwin[] = [];
  for (const record of await readPairs(db)) {
    const change = renames.get(record.rename);
    if (change === undefined || wholeOf(change) === ran?.rename) continue;
    const rename = inPhase(change, record.phase);
    const gone: Record<string, string> = {};
    for (const object of await lonelyTwins(db, rename, record, syncedWith(renames.values(), rename))) {
      const on = object.on ?? quoteQualified(rename.table);
      if (!(await couldDrop(trx, (savepoint) => dropTwin(savepoint, on, object)))) continue;
      dropped.push({ rename: rename.name, kind: object.kind, name: object.name, twin: object.twin });
      gone[droppedKey({ ...object, on })] = 'with its original';
    }
    if (Object.keys(gone).length > 0) await writePair(db, { ...record, reviewed: { ...record.reviewed, ...gone } });
  }
  return dropped;
}

/** By what the ledger knows that a twin was dropped: where its original is there again, that was made anew. */
export function droppedKey({ kind, name, on }: Pick<TwinnedObject, 'kind' | 'name' | 'on'>): string {
  return `dropped ${kind} ${on} ${name}`;
}

/** What something else depends on stays until phase 3. */
async function couldDrop(
  trx: Knex.Transaction,
  drop: (savepoint: Knex.Transaction) => Promise<void>,
): Promise<boolean> {
  try {
    await trx.transaction(drop);
    return true;
  } catch (error) {
    if (codeOf(error) === sqlState.dependentObjectsStillExist) return false;
    throw error;
  }
}

/** Twins that would restrict writers in a phase, and their letters in the catalogue. */
function restricting({ carried, refreshed }: Rename, phase: 1 | 2): (TwinnedObject & { readonly letter: string })[] {
  return [...carried, ...refreshed].filter(isTwinned).flatMap((object) => {
    const { lonely } = twinnedKind(object.kind);
    return lonely?.phases.includes(phase) ? [{ ...object, letter: lonely.letter }] : [];
  });
}

/** @param synced columns that are renamed with it: an object may be on several of them. */
function lonelyTwins(
  db: Queryable,
  rename: Rename,
  { phase }: PairRecord,
  synced: readonly Rename[],
): Promise<TwinnedObject[]> {
  const objects = restricting(rename, phase);
  const on = quoteQualified(rename.table);
  const given = objects.map((object) => ({ ...object, on: object.on ?? on }));
  const known = objects.flatMap(({ name, twin }) => [name, twin]);
  return underQualifiedNames(db, async () => {
    const names = synced.length > 1 ? synced : [rename];
    const [from, to] = [names.map((one) => one.from), names.map((one) => one.to)];
    const rows = await all<{ at: number }>(db, lonely(names.length), [JSON.stringify(given), from, to, known]);
    return rows.flatMap(({ at }) => objects[at - 1] ?? []);
  });
}

/**
 * Twins without an original, by their places in `$1`: one that was made anew without the columns is none. One that was only given another name is there by its kind, its columns and what it checks, under a
 * name, not in `$4`, that the rename does not know.
 */
const lonely = (columns: number): string => `
  WITH given AS (SELECT at, o ->> 'letter' AS kind, o ->> 'name' AS name, o ->> 'twin' AS twin, to_regclass(o ->> 'on') AS rel
    FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS g(o, at)),
  objects AS (
    SELECT conrelid AS rel, conname AS name, contype::text AS kind, CASE contype WHEN 'c' THEN pg_get_constraintdef(oid) END AS text, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
    FROM pg_constraint WHERE contype IN ('c', 'u', 'f') AND conrelid IN (SELECT rel FROM given)
    UNION ALL
    SELECT indrelid, c.relname, 'i', NULL, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey::int2[]))
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid IN (SELECT rel FROM given)),
  there AS (SELECT rel, name, kind, ${renamedText(columns)} AS text,
    ARRAY(SELECT coalesce((SELECT fresh FROM unnest($2::text[], $3::text[]) AS r(old, fresh) WHERE r.old = c), c) FROM unnest(columns) AS c ORDER BY 1) AS columns FROM objects)
  SELECT given.at::int AS at FROM given
  JOIN there AS twin ON twin.rel = given.rel AND twin.name = given.twin AND twin.kind = given.kind
  WHERE NOT EXISTS (SELECT FROM there AS original WHERE original.rel = given.rel AND original.kind = twin.kind AND (original.name = given.name AND (original.kind = 'i' OR original.columns && $3::text[])
    OR original.name <> ALL ($4) AND original.columns = twin.columns AND original.text IS NOT DISTINCT FROM twin.text))
  ORDER BY 1`;

/** SQL of a text with the new names, by the places of the columns in `$2` and `$3`. */
function renamedText(columns: number): string {
  const places = Array.from({ length: columns }, (_, at) => at + 1);
  return places.reduce(
    (sql, place) => `replace(${sql}, quote_ident(($2::text[])[${place}]), quote_ident(($3::text[])[${place}]))`,
    'text',
  );
}
