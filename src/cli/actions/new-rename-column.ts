import { findTable, type ListedTable } from '../../catalog/find-table.ts';
import { ensureMayQuiet } from '../../data/backfill/quiet.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { parseRelease } from '../../domain/release.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import { type History, readHistory } from '../../project/history.ts';
import { draftRefresh } from '../../wizard/refresh.ts';
import {
  draftRename,
  ensureUsableColumns,
  type NewName,
  type RenameAnswers,
  type RenameDraft,
  writeDraft,
} from '../../wizard/rename-column.ts';
import {
  askColumn,
  askReleases,
  askTable,
  describeFacts,
  describeFiles,
  ensureConfirmed,
  problemOf,
} from '../change-questions.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';

interface RenameFlags {
  table?: string;
  from?: string;
  to?: string;
  map?: string[];
  releases?: string;
  name?: string;
  refresh?: string;
  release?: string;
  quietTriggers?: boolean;
}

export function runRename(context: CommandContext, flags: RenameFlags): Promise<Result> {
  return flags.refresh === undefined ? runWizard(context, flags) : runRefresh(context, flags, flags.refresh);
}

async function runWizard(context: CommandContext, flags: RenameFlags): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const database = await context.database(project);
  const { rewriteLimit } = project.config;
  return withConnection({ ...database, applicationName: 'phase new rename-column' }, async (db) => {
    const prompts = new Prompts(context);
    const answers = await askRename(db, prompts, project, history, flags);
    const options = { now: new Date(), rewriteLimit };
    const quietTriggers = flags.quietTriggers ?? false;
    if (quietTriggers) await ensureMayQuiet(db);
    const draft = await looking(db, () => draftRename(db, history, answers, { ...options, quietTriggers }));
    for (const facts of draft.facts) context.output.notice(describeFacts(facts));
    for (const key of draft.keysOfMore)
      context.output.notice(
        `The key ${key.name} is on ${key.others.join(', ')} as well: --map OLD=NEW, once for each column, renames several in the same releases.`,
      );
    context.output.notice(describeFiles(draft.files, draft.warnings));
    await ensureConfirmed(prompts, draft.files.length);
    await writeDraft(history, draft);
    return written(draft);
  });
}

/** @throws PH1015 when it is asked to rename something at the same time. */
async function runRefresh(context: CommandContext, flags: RenameFlags, name: string): Promise<Result> {
  const { refresh: _, release, ...others } = flags;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    const allowed = 'no other flag than --release and --yes: table, columns and releases are those of the rename';
    throw new PhaseError('PH1015', { what: '--refresh', value: `${name} --${other}`, allowed });
  }
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const { rewriteLimit } = project.config;
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: 'phase new rename-column' }, async (db) => {
    const into = release === undefined ? null : parseRelease(release);
    const draft = await looking(db, () => draftRefresh(db, history, name, { now: new Date(), rewriteLimit, into }));
    const document = { rename: name, files: draft.files, warnings: draft.warnings };
    if (draft.files.length === 0) return { document, text: 'nothing is missing' };
    context.output.notice(describeFiles(draft.files, draft.warnings));
    await ensureConfirmed(new Prompts(context), draft.files.length);
    await writeDraft(history, draft);
    return { document, text: draft.files.map(({ path }) => `wrote ${path}`).join('\n') };
  });
}

/** Flags answer first; what they leave open is asked, each answer checked before the next question. */
async function askRename(
  db: Queryable,
  prompts: Prompts,
  project: Project,
  history: History,
  flags: RenameFlags,
): Promise<RenameAnswers> {
  const tableName = flags.table ?? (await askTable(db, prompts));
  const found = await findTable(db, tableName);
  const columns = mapped(flags) ?? (await askNames(db, prompts, found, flags));
  const releases = await askReleases(prompts, { project, history }, flags.releases);
  return { table: tableName, columns, releases, name: flags.name };
}

async function askNames(
  db: Queryable,
  prompts: Prompts,
  found: ListedTable,
  flags: RenameFlags,
): Promise<RenameAnswers['columns']> {
  const from = flags.from ?? (await askColumn(db, prompts, found, '--from'));
  const to =
    flags.to ??
    (await prompts.ask({ message: 'Its new name?', flag: '--to' }, (answer) =>
      problemOf(() => ensureUsableColumns(db, found, [{ from, to: answer }])),
    ));
  return [{ from, to }];
}

/** A name, or one in double quotes, on either side. */
const MAPPED = /^("(?:[^"]|"")+"|[^=]+)=("(?:[^"]|"")+"|[^=]+)$/s;
const unquoted = (name: string): string => (/^".*"$/s.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name);

/** What `--map` says, each `OLD=NEW`; null where it is not given. @throws PH1015 */
function mapped({ map, from, to }: RenameFlags): RenameAnswers['columns'] | null {
  if (map === undefined) return null;
  if (from !== undefined || to !== undefined) {
    const allowed = 'no --from and --to beside it: each --map is one column';
    throw new PhaseError('PH1015', { what: '--map', value: map.join(' '), allowed });
  }
  const columns = map.map((value): NewName => {
    const [, old, fresh] = MAPPED.exec(value) ?? [];
    if (old === undefined || fresh === undefined) {
      const allowed =
        'OLD=NEW, each a name that is not quoted, but in double quotes, as in SQL, where it has a = in it';
      throw new PhaseError('PH1015', { what: '--map', value, allowed });
    }
    return { from: unquoted(old), to: unquoted(fresh) };
  });
  return columns as [NewName, ...NewName[]];
}

function written({ plan, files, warnings }: RenameDraft): Result {
  return {
    document: { rename: plan.rename.name, files, warnings },
    text: files.map(({ path }) => `wrote ${path}`).join('\n'),
  };
}
