import { isOfGenerated, type Rename } from '../../domain/rename.ts';
import { type Code, call } from '../../objects/code.ts';
import { namesAt, syncPlaces } from './sync.ts';

/** A change, and its table as SQL. */
interface Synced {
  readonly rename: Pick<Rename, 'sync' | 'table'>;
  readonly on: string;
}

/** Creates what keeps the columns in step in a phase. */
export function createSync({ rename, on }: Synced, phase: 1 | 2): Code[] {
  return syncPairs(rename, phase).flatMap(({ functionName, triggers }) => [
    call('createFunction', functionName, { version: 1 }),
    ...triggers.map((name) => call('createTrigger', name, { version: 1, on })),
  ]);
}

export function dropSync({ rename, on }: Synced, phase: 1 | 2): Code[] {
  return syncPairs(rename, phase).flatMap(({ functionName, triggers }) => [
    ...triggers.map((name) => call('dropTrigger', name, { on, revertToVersion: 1 })),
    call('dropFunction', functionName, { schema: rename.table.schema, revertToVersion: 1 }),
  ]);
}

/** The sync's functions, each with the triggers that run it. */
function syncPairs(
  rename: Synced['rename'],
  phase: 1 | 2,
): { readonly functionName: string; readonly triggers: readonly string[] }[] {
  const places = syncPlaces(rename, phase).map((place) => namesAt(rename, place, phase));
  const functions = [...new Set(places.map(({ functionName }) => functionName))];
  return functions.map((functionName) => ({
    functionName,
    triggers: places.filter((place) => place.functionName === functionName).map(({ triggerName }) => triggerName),
  }));
}

/** Nothing writes a generated column. */
export function createStragglers({ rename }: Pick<Synced, 'rename'>): Code[] {
  return isOfGenerated(rename) ? [] : [call('createStragglers', rename.sync.stragglers)];
}

export function dropStragglers({ rename }: Pick<Synced, 'rename'>): Code[] {
  return isOfGenerated(rename) ? [] : [call('dropStragglers', rename.sync.stragglers)];
}
