import type { ObjectFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { isTwinned, type Rename, type TwinnedObject } from '../../domain/rename.ts';
import type { TwinnedKind } from '../../objects/kind.ts';
import { byKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/** What hangs on both columns of a rename, as it is now: what the old one has, and what the new one has, its definitions rewritten for the other. */
export interface BothSides {
  readonly originals: TableFacts;
  readonly twins: TableFacts;
}

/** An object of the old column that was made anew under its name as something else, and its twin, which is what it was or was dropped with it. */
export interface Stale {
  readonly kind: TwinnedKind;
  readonly now: ObjectFacts;
  readonly twin: string;
}

/**
 * Objects that were made anew under their names as something else: phase 3 would set them back to what they were.
 * @param rename with what those carry over that are renamed with it: an object that was on several columns may be on others now. @param renewed of which kinds.
 * @param isGone whether the twin of one was dropped with it; one that is missing otherwise is for the gate to refuse.
 */
export function staleTwins(
  rename: Pick<Rename, 'table' | 'carried'>,
  { originals, twins }: BothSides,
  renewed: TwinnedKind['renewed'],
  isGone: (object: TwinnedObject) => boolean,
): Stale[] {
  const carried = rename.carried.filter(isTwinned);
  const home = quoteQualified(rename.table);
  return byKind(originals.objects).flatMap(({ kind, objects }) => {
    if (kind.carried !== 'twin' || kind.renewed !== renewed) return [];
    const twinKind = kind.twinKind === undefined ? kind.name : kind.twinKind(originals);
    if (twinKind === null) return [];
    const among: Readonly<Record<string, readonly ObjectFacts[]>> = twins.objects;
    return objects.flatMap((now): Stale[] => {
      const place = kind.placeOf(now);
      const object = carried.find(
        (one) => one.kind === kind.name && one.name === now.name && (one.on ?? home) === place,
      );
      if (object === undefined) return [];
      const before = among[twinKind]?.find((one) => one.name === object.twin && kind.placeOf(one) === place);
      const isStale = before === undefined ? isGone({ ...object, on: place }) : !kind.isSame(now, before);
      return isStale ? [{ kind, now, twin: object.twin }] : [];
    });
  });
}
