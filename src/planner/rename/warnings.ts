import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import { isOfGenerated, type Rename } from '../../domain/rename.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { type FunctionVersion, isVersionable } from './function-versions.ts';

export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What a person should know before the rename is merged; none of it stops it. */
export function warningsOf(
  facts: TableFacts,
  rename: Rename,
  { releases, quietTriggers = false }: { readonly releases: readonly Release[]; readonly quietTriggers?: boolean },
  versions: readonly FunctionVersion[],
): Warning[] {
  const table = quoteQualified(facts.table);
  return [
    {
      code: 'one_more_column',
      message: `From phase 1 on ${table} has one more column: a prepared SELECT * or RETURNING * fails after it is added, and again after phase 3, each time until it is prepared anew (triphase/app does that outside transactions), COPY ${table} FROM without a column list and functions that return the row see it.`,
    },
    ...facts.mentions.map((mention) => {
      const version = versions.find(({ name }) => name === mention.versionName && isVersionable(mention));
      const place =
        version === undefined
          ? `in ${lines(mention.lines)} of its definition. Write a version of it that names ${quoteIdent(rename.to)} for release ${releases[1]}.`
          : `${version.lines.length === 0 ? '' : `in ${lines(version.lines)} of `}db/functions/${version.name}_v${String(version.version).padStart(2, '0')}.sql, a copy that phase 2 brings it to: edit it.`;
      const isRun = mention.triggers.length + mention.triggersElsewhere.length > 0;
      const gate =
        isRun && mention.use === 'certain' ? ' Phase 3 refuses to run while a trigger runs one that uses it.' : '';
      const may = mention.use === 'certain' ? 'names' : 'may name';
      return {
        code: isRun ? 'trigger_function_names_column' : 'function_names_column',
        message: `The function ${mention.signature} ${may} ${quoteIdent(rename.from)} ${place}${gate}`,
      };
    }),
    ...facts.rowDoubts.map((signature) => ({
      code: 'function_may_use_column_order',
      message: `The function ${signature} makes something of whole rows of ${table}: see whether it depends on the number or the order of the columns. From phase 1 on there is one more, and ${quoteIdent(rename.to)} does not take the place of ${quoteIdent(rename.from)}.`,
    })),
    ...facts.objects.trigger
      .filter(({ givesName }) => givesName)
      .map(({ name }) => ({
        code: 'trigger_argument_names_column',
        message: `The trigger ${quoteIdent(name)} gives ${quoteIdent(rename.from)} to its function as an argument; phase 2 makes it anew with ${quoteIdent(rename.to)}. Take that out of the migrations where it does not mean the column.`,
      })),
    ...facts.objects.trigger
      .filter(({ row, insertOrUpdate }) => row && insertOrUpdate)
      .map(({ name, before }) => ({
        code: 'trigger_fires_on_backfill',
        message: `The trigger ${quoteIdent(name)} is kept quiet while the backfill runs${quietTriggers ? '.' : `, where the role that migrates may; where it may not, it fires for each row${before ? ', and what it changes of a row is put back' : ''}. --quiet-triggers insists.`}`,
      })),
    ...(isOfGenerated(rename) ? [] : facts.updateRules).map((name) => ({
      code: 'rule_rewrites_updates',
      message: `The rule ${quoteIdent(name)} rewrites every UPDATE of ${table}, which PostgreSQL does not allow in the backfill: phase 1 needs a role that may set session_replication_role, for which the rule keeps quiet, or the rule away.`,
    })),
    ...facts.published.map((publication) => ({
      code: 'published',
      message: `The publication ${quoteIdent(publication)} replicates ${table}: subscribers need the column ${quoteIdent(rename.to)} before phase 1.`,
    })),
  ];
}

function lines(numbers: readonly number[]): string {
  return numbers.length === 1 ? `line ${numbers[0]}` : `lines ${numbers.join(', ')}`;
}
