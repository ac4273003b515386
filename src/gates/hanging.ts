import { readMentions } from '../catalog/mentions.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { DroppedObject } from '../domain/mapping.ts';
import { type RefusedKind, type RenameSync, syncFunctions, syncTriggers } from '../domain/rename.ts';
import { readAcknowledged } from '../ledger/acknowledgements.ts';
import { holdingViews, viewsOn } from '../objects/dependents/views-on.ts';
import { readHangingObjects } from '../objects/read-hanging.ts';
import type { LedgerDb } from '../postgres/queryable.ts';

/** Old columns that are about to go, of a change that carries nothing over. */
interface GoingColumns {
  readonly name: string;
  readonly kind: RefusedKind;
  readonly table: QualifiedName;
  readonly columns: readonly string[];
  /** What is said to go with them. */
  readonly dropped: readonly DroppedObject[];
  /** What keeps the change in step. */
  readonly syncs: readonly RenameSync[];
}

/** Nothing hangs on old columns but what is said to go with them, and no trigger runs what names one. Under qualified names. @throws PH2008 */
export async function ensureNothingHangs(db: LedgerDb, going: GoingColumns, table: number): Promise<void> {
  const { name: rename, kind } = going;
  const found = await hangingStill(db, going, table);
  const acknowledged = await readAcknowledged(db, rename);
  const objects = [...found.keys()].filter((object) => found.get(object) === true || !acknowledged.has(object));
  const blocking = objects.filter((object) => found.get(object) === true);
  if (objects.length > 0) throw new PhaseError('PH2008', { rename, phase: 3, kind, objects, blocking });
}

/** What may be acknowledged of it. */
export async function namedOf(db: LedgerDb, going: GoingColumns, table: number): Promise<string[]> {
  const found = await hangingStill(db, going, table);
  return [...found].flatMap(([object, blocks]) => (blocks ? [] : [object]));
}

/** In words, each with whether PostgreSQL drops no column while it is there. */
async function hangingStill(
  db: LedgerDb,
  { table: named, columns, dropped, syncs }: GoingColumns,
  table: number,
): Promise<Map<string, boolean>> {
  const found = new Map<string, boolean>();
  const on = quoteQualified(named);
  // What reads a view that goes would not let it go.
  for (const { name } of await viewsOn(db, on, columns))
    if (!dropped.some((one) => one.kind === 'view' && one.name === name)) found.set(`view ${name}`, true);
  for (const holding of await holdingViews(db, on, columns)) found.set(holding, true);
  const functions = new Set(syncs.flatMap((sync) => [...syncFunctions(sync, 1), ...syncFunctions(sync, 2)]));
  const ours = syncs.flatMap((sync) => [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)]);
  for (const column of columns) {
    for (const object of await readHangingObjects(db, { table, column, ours })) {
      const isKnown =
        object.kind === 'view' ||
        dropped.some(({ kind, name, on }) => kind === object.kind && name === object.name && on === object.on);
      if (!isKnown) found.set(object.description, object.blocks);
    }
    const mentions = await readMentions(db, { ...named, oid: table }, column, functions);
    for (const { use, signature, triggers, triggersElsewhere } of mentions) {
      const names = [...triggers.map(quoteIdent), ...triggersElsewhere];
      if (use === 'certain' && names.length > 0)
        found.set(`function ${signature} of the trigger ${names.join(', ')}, which names ${quoteIdent(column)}`, false);
    }
  }
  return found;
}
