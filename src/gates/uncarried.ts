import { quoteQualified } from '../domain/identifier.ts';
import { type CarriedObject, type Rename, syncTriggers } from '../domain/rename.ts';
import type { HangingObject } from '../objects/hanging.ts';
import { readHangingObjects } from '../objects/read-hanging.ts';
import { isKnownKind, kindOf } from '../objects/registry.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** What hangs on the old column of a rename, in a transaction that prints names qualified, and is not carried over. */
export async function uncarriedObjects(
  db: Queryable,
  rename: Rename,
  table: number,
  beside: readonly Rename[] = [],
): Promise<HangingObject[]> {
  const ours = [...syncTriggers(rename.sync, 1), ...syncTriggers(rename.sync, 2)];
  const hanging = await readHangingObjects(db, { table, column: rename.from, ours });
  return namingFormerTables(
    db,
    rename,
    hanging.filter((object) => !isCarried(rename, object) && !beside.some((other) => isKnownTo(other, object))),
  );
}

/** Says of what is on a partition or child that goes by another name by now which one the rename knows it by. */
async function namingFormerTables(
  db: Queryable,
  { carried, refreshed }: Rename,
  objects: readonly HangingObject[],
): Promise<HangingObject[]> {
  const formerOf = ({ kind, name }: HangingObject): string[] =>
    [...carried, ...refreshed].flatMap((known) =>
      known.kind === kind && known.name === name && known.on !== undefined && kindOf(kind).place !== 'schema'
        ? [known.on]
        : [],
    );
  const gone = await all<{ on: string }>(
    db,
    'SELECT "on" FROM unnest($1::text[]) AS t("on") WHERE to_regclass("on") IS NULL',
    [objects.flatMap(formerOf)],
  );
  return objects.map((object) => {
    const former = formerOf(object).find((known) => gone.some(({ on }) => on === known));
    const description = `${object.description} of ${object.on}, which was ${former}`;
    return former === undefined ? object : { ...object, description };
  });
}

/** What phase 2 has bound to the new column does not hang on the old one any more; if it does, somebody made it anew. */
function isCarried({ table, carried, refreshed }: Rename, hanging: HangingObject): boolean {
  const known = [...carried, ...refreshed].find((object) => {
    const home = kindOf(object.kind).place === 'database' ? '' : quoteQualified(table);
    return isOfKind(object, hanging) && object.name === hanging.name && (object.on ?? home) === hanging.on;
  });
  if (known === undefined) return false;
  const kind = kindOf(known.kind);
  return kind.carried === 'twin' || (kind.carried === 'bound' && kind.freed === 'in phase 3') || hanging.freedLast;
}

/** A foreign key between two columns of a change hangs on both, and is carried over by the one that has it. */
function isKnownTo({ table, carried, refreshed }: Rename, hanging: HangingObject): boolean {
  return [...carried, ...refreshed].some(
    (object) =>
      kindOf(object.kind).family === familyOf(hanging) &&
      object.name === hanging.name &&
      (object.on ?? quoteQualified(table)) === hanging.on,
  );
}

/** What is of no kind is of no family. */
const familyOf = ({ kind }: HangingObject): string => (isKnownKind(kind) ? kindOf(kind).family : '');

function isOfKind({ kind: name }: CarriedObject, hanging: HangingObject): boolean {
  const kind = kindOf(name);
  return name === hanging.kind || (kind.carried === 'bound' && kind.hangsAs?.includes(hanging.kind) === true);
}
