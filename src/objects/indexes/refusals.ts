import type { UnsupportedObject } from '../../domain/facts.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { notUnderstood, refusal } from '../refusal.ts';
import type { FoundIndex } from './read.ts';

/** Why an index cannot be carried over as it stands. */
export function refusedIndex({ facts, exclusion, valid, understood }: FoundIndex): UnsupportedObject[] {
  const object = `index ${quoteIdent(facts.name)}`;
  return [
    ...(valid ? [] : [refusal(object, 'it is invalid', 'Drop it or rebuild it (REINDEX INDEX CONCURRENTLY) first.')]),
    ...(understood || exclusion !== null ? [] : [notUnderstood(object)]),
  ];
}
