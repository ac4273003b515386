import { aliasesJoins } from '../../catalog/aliases.ts';
import type { DependentFacts, UnsupportedObject } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { HangingObject } from '../hanging.ts';
import type { BoundKind, Place } from '../kind.ts';
import { refusal } from '../refusal.ts';
import { dependentsOn, type FoundDependent, hangingDependents } from './read.ts';

/** What one kind of dependent has of its own. */
interface Own extends Pick<BoundKind<string, DependentFacts>, 'rebinding' | 'followsAnew' | 'isTyped' | 'lockFirst'> {
  readonly heading: string;
  readonly place: Place;
  readonly freed?: 'in phase 3';
  refuse?(found: FoundDependent): readonly UnsupportedObject[];
  /** Why one cannot be carried over on a server. */
  refuseOn?: BoundKind<string, DependentFacts>['refuse'];
}

/** A kind of object elsewhere that is bound to the column by its own text. All of them are bound anew at once, while the columns change names for a moment. */
export function dependentKind<N extends string>(name: N, own: Own): BoundKind<N, DependentFacts> {
  const { refuse, refuseOn, freed = 'in phase 2', ...rest } = own;
  return {
    name,
    carried: 'bound',
    noun: name,
    family: name,
    freed,
    async read(sources) {
      const found = (await dependentsOn(sources)).filter(({ kind }) => kind === name);
      const refused: UnsupportedObject[] = [];
      for (const one of found) refused.push(...(refuse?.(one) ?? []), ...(await namesByPosition(one)));
      return { objects: found.map(factsOf), refused };
    },
    hanging: async (sources) => (await hangingDependents(sources)).filter(({ kind }) => kind === name).map(hanging),
    ...(refuseOn === undefined ? {} : { refuse: refuseOn }),
    locking: ({ name: object, rewrites, bytes }, table) =>
      rewrites ? { object: `${name} ${object}, which is computed anew`, bytes: Math.max(bytes, table.bytes) } : null,
    steps: {},
    ...rest,
  };
}

function factsOf({ name, on, needsPrimaryKey, waitsForKey, upserts, rewrites, bytes }: FoundDependent): DependentFacts {
  return { name, on, needsPrimaryKey, waitsForKey, upserts, rewrites, bytes };
}

/** As it hangs on the column. */
export function hanging({ kind, name, on, description, needsPrimaryKey, upserts }: FoundDependent): HangingObject {
  return {
    kind,
    name,
    on: on === null ? '' : quoteQualified(on),
    description,
    freedLast: needsPrimaryKey || upserts,
    blocks: true,
  };
}

/** PostgreSQL prints such a list with a name for each column of the join, so that one more would shift them. */
export async function namesByPosition({ description, text }: FoundDependent): Promise<UnsupportedObject[]> {
  if (!(await aliasesJoins(text))) return [];
  return [
    refusal(
      description,
      'it gives names to the columns of a join by their position: FROM (a JOIN b) AS j(x, y)',
      'Write it without the list of names in an earlier release.',
    ),
  ];
}
