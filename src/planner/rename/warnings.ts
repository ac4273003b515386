import type { TableFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import type { Rename } from '../../domain/rename.ts';
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
  const listed = new Set(facts.mentions.flatMap(({ triggers }) => triggers));
  return [
    {
      code: 'one_more_column',
      message: `From phase 1 on ${table} has one more column: a prepared SELECT * or RETURNING * fails once after it is added, COPY ${table} FROM without a column list and functions that return the row see it.`,
    },
    ...facts.mentions.map((mention) => {
      const version = versions.find(({ name }) => name === mention.name && isVersionable(mention));
      const place =
        version === undefined
          ? `in ${lines(mention.lines)} of its definition. Write a version of it that names ${quoteIdent(rename.to)} for release ${releases[1]}.`
          : `${version.lines.length === 0 ? '' : `in ${lines(version.lines)} of `}db/functions/${version.name}_v${String(version.version).padStart(2, '0')}.sql, a copy that phase 2 brings it to: edit it.`;
      const gate =
        mention.triggers.length === 0 ? '' : ' Phase 3 refuses to run while a trigger runs one that names it.';
      return {
        code: mention.triggers.length === 0 ? 'function_names_column' : 'trigger_function_names_column',
        message: `The function ${mention.signature} names ${quoteIdent(rename.from)} ${place}${gate}`,
      };
    }),
    ...facts.triggers
      .filter(({ mentionsColumn, name }) => mentionsColumn && !listed.has(name))
      .map((trigger) => ({
        code: 'trigger_function_names_column',
        message: `The function ${trigger.function} of the trigger ${quoteIdent(trigger.name)} names ${quoteIdent(rename.from)}. Write a version that names ${quoteIdent(rename.to)} for release ${releases[1]} (phase new function); phase 3 refuses to run until then.`,
      })),
    ...facts.triggers
      .filter(({ row, insertOrUpdate }) => row && insertOrUpdate)
      .map(({ name, before }) => ({
        code: 'trigger_fires_on_backfill',
        message: `The trigger ${quoteIdent(name)} is kept quiet while the backfill runs${quietTriggers ? '.' : `, where the role that migrates may; where it may not, it fires for each row${before ? ', and what it changes of a row is put back' : ''}. --quiet-triggers insists.`}`,
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
