import { readColumn } from '../../catalog/column.ts';
import { printedType } from '../../catalog/conversion.ts';
import { findTable } from '../../catalog/find-table.ts';
import { type SampleRow, sampleRows } from '../../catalog/sample-rows.ts';
import { ensureMayQuiet } from '../../data/backfill/quiet.ts';
import type { Rename } from '../../domain/rename.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { inRolledBackTransaction } from '../../postgres/transaction.ts';
import type { Project } from '../../project/config.ts';
import { type History, readHistory } from '../../project/history.ts';
import { writePlainChange } from '../../wizard/plain-change.ts';
import { draftRetype, type RetypeAnswers, type RetypeDraft } from '../../wizard/retype-column.ts';
import { askColumn, askReleases, askTable, ensureConfirmed, problemOf } from '../change-questions.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';
import { writeChange } from '../write-change.ts';

interface RetypeFlags {
  table?: string;
  column?: string;
  toType?: string;
  using?: string;
  back?: string;
  onError?: string;
  releases?: string;
  tolerated?: boolean;
  withReferences?: boolean;
  name?: string;
  quietTriggers?: boolean;
}

export async function runRetype(context: CommandContext, flags: RetypeFlags): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const database = await context.database(project);
  const { rewriteLimit } = project.config;
  return withConnection({ ...database, applicationName: 'phase new retype-column' }, async (db) => {
    const prompts = new Prompts(context);
    const answers = await askRetype(db, prompts, { project, history }, flags);
    const quietTriggers = flags.quietTriggers ?? false;
    if (quietTriggers) await ensureMayQuiet(db);
    const options = { now: new Date(), rewriteLimit, quietTriggers };
    const found = await looking(db, () => draftRetype(db, history, answers, options));
    return found.kind === 'plain'
      ? writePlain(context, prompts, { history, answers, found })
      : writeChange(context, prompts, {
          ...{ db, history, kind: 'retype', draft: found.draft, facts: found.draft.facts },
          sample: (rename) => sampleOf(db, { ...rename, retype: found.retype }),
        });
  });
}

/** Flags answer first; what they leave open is asked, each answer checked before the next question. */
async function askRetype(
  db: Queryable,
  prompts: Prompts,
  { project, history }: { readonly project: Project; readonly history: History },
  flags: RetypeFlags,
): Promise<RetypeAnswers> {
  const table = flags.table ?? (await askTable(db, prompts));
  const found = await findTable(db, table);
  const column = flags.column ?? (await askColumn(db, prompts, found, '--column'));
  // A wrong name is said before the next question.
  await inRolledBackTransaction(db, () => readColumn(db, found.oid, found, column));
  const type =
    flags.toType ??
    (await prompts.ask({ message: 'Its new type?', flag: '--to-type' }, (text) =>
      problemOf(async () => void (await looking(db, () => printedType(db, text)))),
    ));
  const releases = await askReleases(prompts, { project, history }, flags.releases);
  const { using = null, back = null, onError = null, tolerated = false, withReferences = false, name } = flags;
  return { table, column, type, using, back, onError, releases, isTolerated: tolerated, withReferences, name };
}

type Plain = Extract<RetypeDraft, { kind: 'plain' }>;

async function sampleOf(db: Queryable, { retype, ...rename }: Rename): Promise<SampleRow[]> {
  return retype === null ? [] : sampleRows(db, rename, retype);
}

async function writePlain(
  context: CommandContext,
  prompts: Prompts,
  { history, answers, found }: { readonly history: History; readonly answers: RetypeAnswers; readonly found: Plain },
): Promise<Result> {
  context.output.notice(
    `\n${found.statement}\nreads and writes no row, so it is one plain migration of ${answers.releases[0]}: PostgreSQL was asked on a copy of the table's structure.\n`,
  );
  await ensureConfirmed(prompts, 2);
  const files = await writePlainChange(history, { answers, ...found, now: new Date() });
  return {
    document: { change: null, kind: 'plain', files, warnings: [] },
    text: files.map(({ path }) => `wrote ${path}`).join('\n'),
  };
}
