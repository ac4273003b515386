import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';
import { runMerge, runSplit } from './new-mapping.ts';
import { runMove } from './new-move-column.ts';
import { runDropColumn, runRenameTable, runSetDefault, runSetNotNull } from './new-one-release.ts';
import { runRename } from './new-rename-column.ts';
import { runRetype } from './new-retype-column.ts';

interface Kind {
  readonly description: string;
  readonly run: (context: CommandContext) => Promise<Result>;
}

/** What can be done to a column, by the command that does it. */
const KINDS: Readonly<Record<string, Kind>> = {
  'rename-column': {
    description: 'another name, in three releases, while old and new ones are writing',
    run: (context) => runRename(context, {}),
  },
  'retype-column': {
    description: 'another type under the same name, in three releases, or in one where PostgreSQL reads no row for it',
    run: (context) => runRetype(context, {}),
  },
  'split-column': {
    description: 'several columns of one, computed there and back, in three releases',
    run: (context) => runSplit(context, {}),
  },
  'merge-columns': {
    description: 'one column of several, computed there and back, in three releases',
    run: (context) => runMerge(context, {}),
  },
  'move-column': {
    description: 'a column of another table, in three releases, while old and new ones are writing either',
    run: (context) => runMove(context, {}),
  },
  'drop-column': {
    description: 'a column goes, in one release, once nobody can be using it',
    run: (context) => runDropColumn(context, {}),
  },
  'rename-table': {
    description: 'another name for a table, in one release, with a view of the old one for older releases',
    run: (context) => runRenameTable(context, {}),
  },
  'set-not-null': {
    description: 'a value in each row, in one release, without a long lock',
    run: (context) => runSetNotNull(context, {}),
  },
  'set-default': {
    description: 'another default for rows that are inserted without a value, in one release',
    run: (context) => runSetDefault(context, {}),
  },
};

/** Asks which kind of change it is, and goes on as the command of that kind does. @throws PH1015 for a kind that there is not. */
export async function runChange(context: CommandContext, { kind }: { kind?: string }): Promise<Result> {
  const choices = Object.entries(KINDS).map(([name, { description }]) => ({ name, description }));
  const chosen =
    kind ?? (await new Prompts(context).choose({ message: 'What is to change?', flag: '--kind' }, choices));
  const found = KINDS[chosen];
  if (found === undefined) {
    throw new PhaseError('PH1015', { what: '--kind', value: chosen, allowed: Object.keys(KINDS).join(', ') });
  }
  return found.run(context);
}
