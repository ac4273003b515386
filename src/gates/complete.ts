import { TREE } from '../catalog/tree.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { isTwinned, type Rename, syncTriggers, type TwinnedObject } from '../domain/rename.ts';
import type { AnyKind, TwinnedKind } from '../objects/kind.ts';
import { Presence } from '../objects/presence.ts';
import { KINDS, twinnedKind } from '../objects/registry.ts';
import { strayObjects } from '../objects/stray.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/**
 * The sync is in place on the table and on each of its partitions, and everything that phase 1 builds is there, valid and
 * validated.
 * @param kindOf for tests, which add a kind of their own.
 * @throws PH2007 naming what is missing.
 */
export async function ensureComplete(
  db: Queryable,
  rename: Rename,
  { table, place, columns = [rename.from] }: Looked,
  kindOf: (name: string) => TwinnedKind = twinnedKind,
): Promise<void> {
  const triggers = syncTriggers(rename.sync, place === 0 ? 1 : 2);
  const presence = new Presence(db, rename.table, table);
  // What a refresh has added is built in phase 3; of a retype the runner has built it before.
  const isBuilt = place === 1 || rename.retype !== null;
  const twins = [...rename.carried, ...(isBuilt ? rename.refreshed : [])].filter(isTwinned);
  const lacking = await missingTwins(presence, twins, kindOf);
  const strays =
    lacking.length === 0 ? [] : await strayObjects(db, { table, root: quoteQualified(rename.table), columns }, twins);
  const wanted = twins.filter((object) => !strays.includes(object));
  const missing = [
    ...(await missingTriggers(db, table, triggers)),
    ...(strays.length === 0 ? lacking : await missingTwins(presence, wanted, kindOf)),
    ...(await missingAttributes(presence, rename)),
  ];
  if (missing.length > 0) throw new PhaseError('PH2007', { rename: rename.name, missing });
}

interface Looked {
  /** The number of the table. */
  readonly table: number;
  readonly place: 0 | 1;
  /** The old columns of all that are renamed together; that of the rename where it is alone. */
  readonly columns?: readonly string[];
}

async function missingTwins(
  presence: Presence,
  twins: readonly TwinnedObject[],
  kindOf: (name: string) => TwinnedKind,
): Promise<string[]> {
  const missing: string[] = [];
  for (const object of twins) {
    const on = object.on ?? quoteQualified(presence.table);
    missing.push(...(await kindOf(object.kind).missing(presence, object, on)));
  }
  return missing;
}

async function missingAttributes(presence: Presence, rename: Rename): Promise<string[]> {
  const missing: string[] = [];
  for (const kind of KINDS as readonly AnyKind[]) {
    if (kind.carried === 'with the column') missing.push(...((await kind.missing?.(presence, rename)) ?? []));
  }
  return missing;
}

/** A row trigger of a partitioned table is one on each partition, and each may be disabled by itself. */
export async function missingTriggers(db: Queryable, table: number, names: readonly string[]): Promise<string[]> {
  const rows = await all<{ trigger: string; table: string; root: boolean }>(
    db,
    `${TREE}
     SELECT wanted.name AS trigger, tree.oid::regclass::text AS table, tree.oid = $1::oid AS root
     FROM tree CROSS JOIN unnest($2::text[]) AS wanted(name)
     WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = tree.oid AND t.tgname = wanted.name AND t.tgenabled IN ('O', 'A'))
     ORDER BY 1, 2`,
    [table, names],
  );
  return rows.map(
    ({ trigger, table: partition, root }) => `trigger ${quoteIdent(trigger)}${root ? '' : ` on ${partition}`}`,
  );
}
