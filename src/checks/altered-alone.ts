import type { Finding } from '../domain/finding.ts';
import type { PairAttribute } from '../domain/pair.ts';

/** A migration that alters one of the two columns of a rename alone. */
export interface AlteredAlone {
  readonly file: string | null;
  readonly rename: string;
  readonly attribute: PairAttribute;
  readonly column: string;
  readonly other: string;
}

/** The operation that alters both columns at once, where there is one. */
const OPERATIONS: Partial<Record<PairAttribute, string>> = {
  default: 'setDefault or dropDefault',
  'not null': 'dropNotNull',
  type: 'alterType',
};

/** Migrations that alter one column of a rename that is under way, and leave the other to the runner. */
export function checkAlteredAlone(changes: readonly AlteredAlone[]): Finding[] {
  return changes.map(({ file, rename, attribute, column, other }) => {
    const operation = OPERATIONS[attribute];
    const what = attribute === 'not null' ? 'NOT NULL' : `the ${attribute}`;
    return {
      code: 'altered_alone',
      severity: 'warning',
      file,
      line: null,
      message: `${what} of ${column} is altered while ${rename} is under way: the runner does the same to ${other}, which a reader of the migration does not see.`,
      remedy:
        operation === undefined
          ? `Alter ${other} in the same way.`
          : `Say it for both columns: ${operation} of triphase, with { on, column: '${column}' }.`,
    };
  });
}
