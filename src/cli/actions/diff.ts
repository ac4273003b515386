import { diffText } from '../../report/diff-text.ts';
import type { SchemaDiff } from '../../schema/schema-diff.ts';
import { diffSources } from '../../sources/diff.ts';
import { parseRename } from '../../sources/parse-rename.ts';
import { parseSource } from '../../sources/source.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { wantedSource } from '../wanted-source.ts';

interface DiffFlags {
  from: string;
  to?: string;
  release?: string;
  allowDataLoss?: boolean;
  rename?: string[];
}

export async function runDiff(context: CommandContext, flags: DiffFlags): Promise<Result> {
  const surroundings = await surroundingsOf(context, flags.release);
  const diff = await diffSources(surroundings, {
    from: parseSource(flags.from, '--from'),
    to: wantedSource(surroundings.project, flags.to),
    allowDataLoss: flags.allowDataLoss ?? false,
    renames: (flags.rename ?? []).map(parseRename),
  });
  return { document: diffDocument(diff), text: diffText(diff), exitCode: isSame(diff) ? 0 : 7 };
}

export const isSame = ({ statements, kept, rest }: SchemaDiff): boolean =>
  statements.length === 0 && kept.length === 0 && rest.length === 0;

export function diffDocument({ statements, ...diff }: SchemaDiff): object {
  const { hazards, kept, renames, moves, tables, rest, untried, uncompared } = diff;
  return {
    statements: statements.map(({ sql }) => sql),
    hazards,
    kept,
    renames,
    moves,
    tables,
    rest,
    untried,
    uncompared,
  };
}
