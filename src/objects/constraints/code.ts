import type { ConstraintFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';

/** A check or foreign key as calls take it. */
export function constraintOptions(
  { comment, validated, enforced, on }: ConstraintFacts,
  { name, definition }: { readonly name: string; readonly definition: string },
) {
  return {
    on: quoteQualified(on),
    name,
    definition,
    ...(enforced ? (validated ? {} : { validate: false }) : { enforced }),
    ...(comment === null ? {} : { comment }),
  };
}

/** What `db/renames` says of one that is not valid for every row. */
export function stateOf({ enforced, validated }: ConstraintFacts): 'not valid' | 'not enforced' | undefined {
  if (!enforced) return 'not enforced';
  return validated ? undefined : 'not valid';
}
