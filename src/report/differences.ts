import type { Difference } from '../schema/compare.ts';
import { formatted } from '../schema/structure.ts';

/** Differences as a script, with a comment on each that says what it is. */
export function differencesText(differences: readonly Difference[]): string {
  return differences
    .map(({ object, kind, statement }) => {
      const said = `-- ${kind}: ${object}`;
      return statement === null
        ? `${said}, by what PostgreSQL tells of it`
        : `${said}\n${formatted({ sql: statement })};`;
    })
    .join('\n\n');
}
