import { diffText } from '../../report/diff-text.ts';
import type { SchemaDiff } from '../../schema/schema-diff.ts';
import { applyStatements } from '../../sources/apply.ts';
import { ensureDisposable, namedDatabase } from '../../sources/development.ts';
import { diffSources } from '../../sources/diff.ts';
import { parseRename } from '../../sources/parse-rename.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { wantedSource } from '../wanted-source.ts';
import { diffDocument } from './diff.ts';

interface SyncFlags {
  to?: string;
  allowDataLoss?: boolean;
  rename?: string[];
}

export async function runSync(context: CommandContext, flags: SyncFlags): Promise<Result> {
  const surroundings = await surroundingsOf(context);
  const { project, database } = surroundings;
  const target = await namedDatabase(database, context.surroundings.env);
  await ensureDisposable(project, target, await context.environment(project), 'sync');
  const diff = await diffSources(surroundings, {
    from: { kind: 'database' },
    to: wantedSource(project, flags.to),
    allowDataLoss: flags.allowDataLoss ?? false,
    renames: (flags.rename ?? []).map(parseRename),
  });
  const { statements } = diff;
  const isDone = statements.length > 0 && (await isWanted(context, diffText(diff), target.name));
  if (isDone) await applyStatements(database, statements);
  const said =
    statements.length === 0
      ? diffText(diff)
      : isDone
        ? [`${count(statements.length, 'statement')} run`, ...stillDiffering(diff)].join('\n')
        : 'nothing was run';
  return { document: { ...diffDocument(diff), applied: isDone }, text: said };
}

function stillDiffering({ kept, rest }: SchemaDiff): string[] {
  return [
    ...kept.map((object) => `${object} stays as it is: values would be lost; --allow-data-loss changes or drops it`),
    ...rest.map((line) => `differs still: ${line}`),
  ];
}

async function isWanted(context: CommandContext, script: string, name: string): Promise<boolean> {
  context.output.notice(script);
  const { Prompts } = await import('../prompts.ts');
  return new Prompts(context).confirm({ message: `Run this in ${name}?`, flag: '--yes' });
}
