import { findTable } from '../../catalog/find-table.ts';
import { sampleMovedRows } from '../../catalog/sample-rows.ts';
import { ensureMayQuiet } from '../../data/backfill/quiet.ts';
import type { Move } from '../../domain/move.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import { type History, readHistory } from '../../project/history.ts';
import { draftMove, type MoveAnswers } from '../../wizard/move-column.ts';
import { askColumn, askReleases, askTable } from '../change-questions.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';
import { writeChange } from '../write-change.ts';

interface MoveFlags {
  table?: string;
  column?: string;
  toTable?: string;
  to?: string;
  via?: string;
  missing?: string;
  drop?: string[];
  carry?: string[];
  releases?: string;
  name?: string;
  quietTriggers?: boolean;
}

export async function runMove(context: CommandContext, flags: MoveFlags): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: 'phase new move-column' }, async (db) => {
    const prompts = new Prompts(context);
    const answers = await askMove(db, prompts, { project, history }, flags);
    const quietTriggers = flags.quietTriggers ?? false;
    if (quietTriggers) await ensureMayQuiet(db);
    const draft = await looking(db, () => draftMove(db, history, answers, { now: new Date(), quietTriggers }));
    const sample = (move: Move) => sampleMovedRows(db, move);
    return writeChange(context, prompts, { db, history, kind: 'move', facts: [draft.facts], draft, sample });
  });
}

/** What becomes of a value that has no row to go to, as the wizard asks it. */
const MISSING = [
  { name: 'refuse', description: 'such a write is refused at the end of its transaction' },
  { name: 'create', description: 'the row is made: its other columns need defaults, or may be NULL' },
  { name: 'skip', description: 'the value waits for its row; phase 2 is refused as long as one does' },
];

async function askMove(
  db: Queryable,
  prompts: Prompts,
  { project, history }: { readonly project: Project; readonly history: History },
  flags: MoveFlags,
): Promise<MoveAnswers> {
  const table = flags.table ?? (await askTable(db, prompts));
  const found = await findTable(db, table);
  const column = flags.column ?? (await askColumn(db, prompts, found, '--column'));
  const toTable =
    flags.toTable ?? (await prompts.ask({ message: 'The table that it goes to?', flag: '--to-table' }, notEmpty));
  const to =
    flags.to ??
    (flags.toTable === undefined
      ? await prompts.ask({ message: 'Its name there?', flag: '--to' }, notEmpty, column)
      : column);
  const via =
    flags.via ??
    (await prompts.ask(
      { message: `Which rows belong together, as ${toTable}.${found.name}_id = ${found.name}.id?`, flag: '--via' },
      notEmpty,
    ));
  const missing =
    flags.missing ??
    (flags.via === undefined
      ? await prompts.choose(
          { message: 'What becomes of a value that has no row to go to?', flag: '--missing' },
          MISSING,
        )
      : 'refuse');
  const releases = await askReleases(prompts, { project, history }, flags.releases);
  const { drop = [], carry = [], name } = flags;
  return { table, column, toTable, to, via, missing, drop, carry, releases, name };
}

const notEmpty = async (text: string): Promise<true | string> => text !== '' || 'It is empty.';
