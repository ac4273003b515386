import { sqlIdent } from '../domain/sql-name.ts';
import type { SchemaDiff } from '../schema/schema-diff.ts';
import { formatted } from '../schema/structure.ts';

/** A difference as a script, with comments that say what to know of each statement. */
export function diffText({
  statements,
  hazards,
  kept,
  renames,
  moves,
  tables,
  rest,
  untried,
  uncompared,
}: SchemaDiff): string {
  const parts = statements.map((statement) => {
    const own = hazards.filter((hazard) => hazard.statement === statement.sql);
    const text = `${formatted(statement)};`;
    // A script with one that fails would end there.
    const shown = own.some(({ kind }) => kind === 'fails') ? text.replaceAll(/^/gm, '-- ') : text;
    return [...own.map(({ kind, message }) => `-- ${kind}: ${message}`), shown].join('\n');
  });
  const remarks = [
    ...kept.map(
      (object) =>
        `-- data_loss: ${object} stays as it is: values would be lost; --allow-data-loss changes or drops it.`,
    ),
    ...renames.map(
      ({ table, from, to, evidence }) =>
        `-- Perhaps ${table}.${from} is renamed to ${to} (${evidence.join('; ')}): --rename ${table}.${sqlIdent(from)}=${sqlIdent(to)}`,
    ),
    ...moves.map(({ from, to }) => `-- Perhaps ${from.table}.${from.column} moves to ${to.table}.`),
    ...tables.map(
      ({ from, to, evidence }) =>
        `-- Perhaps ${from} is renamed to ${to} (${evidence.join('; ')}): rename it by a migration of your own, with a view of the old name for the release before, and run this again.`,
    ),
    ...rest.map((line) => `-- Differs still, and has to be changed by hand: ${line}`),
    ...(untried === null ? [] : [`-- Not tried, so that locks are not known: ${untried}`]),
    ...uncompared.map((what) => `-- Not compared: ${what}`),
  ];
  const text = [...parts, ...(remarks.length === 0 ? [] : [remarks.join('\n')])].join('\n\n');
  return text === '' ? 'There is no difference.' : text;
}
