import { addColumnStatements, columnDefinition } from '../../domain/add-column.ts';
import { quoteIdent, quoteLiteral } from '../../domain/identifier.ts';
import { differs, eitherOf, isOfGenerated } from '../../domain/rename.ts';
import { backfill, type Code, call, execute } from '../../objects/code.ts';
import type { Renaming } from '../../objects/renaming.ts';
import type { Renamings } from './object-code.ts';

/** Adds the new column, and everything that the old one has but for constraints. */
export function addColumn(renaming: Renaming): Code[] {
  const { on, rename, facts } = renaming;
  const { column, children } = facts;
  const definition = columnDefinition(column);
  return [
    ...(column.rewrites ? [call('ensureWithinRewriteLimit', on)] : []),
    ...(children.length === 0
      ? []
      : [call('addColumnToChildren', { on, column: rename.to, like: rename.from, definition })]),
    ...addColumnStatements(on, renaming.new, column).map(execute),
    ...attributes(renaming),
    // Each partition, and each child, may have attributes of its own.
    ...(facts.partitioned || children.length > 0
      ? [call('copyAttributes', { on, from: rename.from, to: rename.to })]
      : []),
  ];
}

/** Undoes `addColumn`. */
export function dropColumn({ on, rename }: Renaming): Code {
  return call('dropColumn', { on, column: rename.to });
}

function attributes({ on, new: column, facts }: Renaming): Code[] {
  const { storage, compression, statisticsTarget, options, comment, privileges } = facts.column;
  const alter = `ALTER TABLE ${on} ALTER COLUMN ${column}`;
  return [
    ...(storage === null ? [] : [`${alter} SET STORAGE ${storage}`]),
    ...(compression === null ? [] : [`${alter} SET COMPRESSION ${compression}`]),
    ...(statisticsTarget === null ? [] : [`${alter} SET STATISTICS ${statisticsTarget}`]),
    ...(options.length === 0 ? [] : [`${alter} SET (${options.join(', ')})`]),
    ...(comment === null ? [] : [`COMMENT ON COLUMN ${on}.${column} IS ${quoteLiteral(comment)}`]),
    ...privileges.map(
      ({ privilege, grantee, grantable }) =>
        `GRANT ${privilege} (${column}) ON ${on} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`,
    ),
  ].map(execute);
}

/** All columns in one pass. The values of a generated column are there with it. */
export function fill(renamings: Renamings, direction: 'to new' | 'back', quietTriggers = false): Code[] {
  const [{ on }] = renamings;
  const filled = renamings
    .filter(({ rename }) => !isOfGenerated(rename))
    .map(({ rename: { from, to, byteEqual } }) => {
      const [source, target] = direction === 'back' ? [to, from] : [from, to];
      return { source: quoteIdent(source), target, where: differs(quoteIdent(source), quoteIdent(target), byteEqual) };
    });
  if (filled.length === 0) return [];
  return [
    backfill({
      table: on,
      set: Object.fromEntries(filled.map(({ target, source }) => [target, source])),
      where: eitherOf(filled.map(({ where }) => where)),
      ...(quietTriggers ? { quietTriggers } : { exact: true }),
    }),
  ];
}

/** Extended statistics are only computed where all of their columns are analysed. */
export function analyze(renamings: Renamings, side: 'old' | 'new'): Code {
  const [{ on }] = renamings;
  const columns = renamings.map((renaming) => renaming[side]).join(', ');
  const isWhole = renamings.some(({ facts }) => facts.objects.statistics.length > 0);
  return execute(isWhole ? `ANALYZE ${on}` : `ANALYZE ${on} (${columns})`);
}
