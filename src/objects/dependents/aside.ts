import type { DependentFacts, ObjectFacts } from '../../domain/facts.ts';
import { firstOfEach } from '../../domain/group.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { BoundObjectName } from '../bound.ts';
import type { TableFacts } from '../table-facts.ts';

/** An object that is bound to the column by its own text, and its kind. */
export interface Dependent extends DependentFacts {
  readonly kind: string;
}

/** All of them, of whichever kind. @param facts of one column, or of several of a table: what is bound to more than one of these is there once. */
export function dependentsOf(facts: readonly TableFacts[]): Dependent[] {
  const ofKind = ([kind, found]: [string, readonly ObjectFacts[]]): Dependent[] =>
    found.filter(isDependent).map((object) => ({ ...object, kind }));
  const found = facts.flatMap(({ objects }) => Object.entries<readonly ObjectFacts[]>(objects).flatMap(ofKind));
  return firstOfEach(found, (object) => JSON.stringify(boundName(object)));
}

function isDependent(object: ObjectFacts): object is DependentFacts {
  return 'waitsForKey' in object;
}

/** What it goes by in calls that bind it anew. */
export function boundName({ kind, name, on }: Pick<Dependent, 'kind' | 'name' | 'on'>): BoundObjectName {
  return { kind, name, ...(on === null ? {} : { on: quoteQualified(on) }) };
}

/** Those that are put aside while the primary key is away, or the old column goes, as calls take them. */
export function aside(facts: readonly TableFacts[], which: (object: Dependent) => boolean) {
  const objects = dependentsOf(facts).filter(which);
  const named = (object: Dependent) => ({ ...boundName(object), ...(object.waitsForKey ? { waits: true } : {}) });
  return objects.length === 0 ? {} : { dependents: objects.map(named) };
}
