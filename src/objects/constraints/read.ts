import type { ConstraintFacts } from '../../domain/facts.ts';

/** A constraint as the catalogue has it. */
export interface ConstraintRow {
  name: string;
  definition: string;
  validated: boolean;
  enforced: boolean;
  comment: string | null;
}

/** A constraint that was found, and whether it was understood to the letter. */
export interface FoundConstraint {
  readonly facts: ConstraintFacts;
  readonly understood: boolean;
}

/** What PostgreSQL prints last of a constraint that older rows, or all rows, need not satisfy. */
export function withoutState(definition: string): string {
  return definition.replace(/ NOT (VALID|ENFORCED)$/, '');
}
