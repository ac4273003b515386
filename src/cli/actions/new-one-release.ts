import { findTable } from '../../catalog/find-table.ts';
import type { Release } from '../../domain/release.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import { type History, readHistory } from '../../project/history.ts';
import { ensureOpen } from '../../project/release-files.ts';
import { currentRelease } from '../../project/target-release.ts';
import { draftDropColumn } from '../../wizard/drop-column.ts';
import { draftDefault, draftNotNull, type OneReleaseDraft, writeOneRelease } from '../../wizard/one-release.ts';
import { draftRenameTable } from '../../wizard/rename-table.ts';
import { askColumn, askTable, ensureConfirmed } from '../change-questions.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';

interface Flags {
  table?: string;
  column?: string;
  release?: string;
}

interface NotNullFlags extends Flags {
  fill?: string;
  tolerated?: boolean;
}

export function runSetNotNull(context: CommandContext, flags: NotNullFlags): Promise<Result> {
  const { fill = null, tolerated = false } = flags;
  return run(context, 'set-not-null', flags, (db, place) =>
    looking(db, () => draftNotNull(db, place, { fill, isTolerated: tolerated })),
  );
}

export function runSetDefault(context: CommandContext, flags: Flags & { default?: string }): Promise<Result> {
  return run(context, 'set-default', flags, async (db, place, prompts) => {
    const question = { message: 'Its default, as in SQL?', flag: '--default' };
    const expression = flags.default ?? (await prompts.ask(question, async (text) => text !== '' || 'It is empty.'));
    return looking(db, () => draftDefault(db, place, expression));
  });
}

interface DropFlags extends Flags {
  drop?: string[];
  tolerated?: boolean;
}

export function runDropColumn(context: CommandContext, flags: DropFlags): Promise<Result> {
  const { drop = [], tolerated = false } = flags;
  return run(context, 'drop-column', flags, (db, place, _prompts, { history, release }) =>
    looking(db, () => draftDropColumn(db, history, place, { release, drop, isTolerated: tolerated })),
  );
}

interface RenameTableFlags {
  table?: string;
  to?: string;
  release?: string;
  tolerated?: boolean;
}

export function runRenameTable(context: CommandContext, flags: RenameTableFlags): Promise<Result> {
  const { tolerated = false } = flags;
  return write(context, 'rename-table', flags, async (db, prompts, { history, release }) => {
    const table = flags.table ?? (await askTable(db, prompts));
    await findTable(db, table);
    const question = { message: 'Its new name?', flag: '--to' };
    const to = flags.to ?? (await prompts.ask(question, async (text) => text !== '' || 'It is empty.'));
    return looking(db, () => draftRenameTable(db, history, { table, to }, { release, isTolerated: tolerated }));
  });
}

type Draft = (
  db: LedgerDb,
  place: { readonly table: string; readonly column: string },
  prompts: Prompts,
  project: { readonly history: History; readonly release: Release },
) => Promise<OneReleaseDraft>;

function run(context: CommandContext, command: string, flags: Flags, draft: Draft): Promise<Result> {
  return write(context, command, flags, async (db, prompts, project) => {
    const table = flags.table ?? (await askTable(db, prompts));
    const column = flags.column ?? (await askColumn(db, prompts, await findTable(db, table), '--column'));
    return draft(db, { table, column }, prompts, project);
  });
}

/** Drafts what one release brings, says why, and writes it once that is confirmed. */
async function write(
  context: CommandContext,
  command: string,
  flags: Pick<Flags, 'release'>,
  draft: (
    db: LedgerDb,
    prompts: Prompts,
    project: { readonly history: History; readonly release: Release },
  ) => Promise<OneReleaseDraft>,
): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const release = ensureOpen(history, currentRelease(project, flags.release));
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: `phase new ${command}` }, async (db) => {
    const prompts = new Prompts(context);
    const drafted = await draft(db, prompts, { history, release });
    context.output.notice(`\n${drafted.why}\n`);
    await ensureConfirmed(prompts, drafted.migrations.length + (drafted.sources?.length ?? 0) + 1);
    const files = await writeOneRelease(history, drafted, { release, now: new Date() });
    return {
      document: { kind: command, release, files, why: drafted.why },
      text: files.map(({ path }) => `wrote ${path}`).join('\n'),
    };
  });
}
