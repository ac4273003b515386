import { listTypedColumns } from '../../catalog/column.ts';
import { displayName, findTable, listTables } from '../../catalog/find-table.ts';
import { ensureMayQuiet } from '../../data/backfill/quiet.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { compareReleases, nextReleases, parseRelease, type Release } from '../../domain/release.ts';
import { byKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { withConnection } from '../../postgres/connection.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import { inRolledBackTransaction } from '../../postgres/transaction.ts';
import type { Project } from '../../project/config.ts';
import { type History, readHistory } from '../../project/history.ts';
import { table } from '../../report/table.ts';
import { draftRefresh } from '../../wizard/refresh.ts';
import {
  draftRename,
  ensureUsableColumns,
  ensureUsableReleases,
  type RenameAnswers,
  type RenameDraft,
  writeDraft,
} from '../../wizard/rename-column.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';

interface RenameFlags {
  table?: string;
  from?: string;
  to?: string;
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
    context.output.notice(describeFacts(draft.facts));
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

/** What is read belongs together, and is ours: nothing that somebody made is taken for PostgreSQL's own. */
function looking<T>(db: Queryable, draft: () => Promise<T>): Promise<T> {
  return inRolledBackTransaction(db, () => underQualifiedNames(db, draft));
}

async function ensureConfirmed(prompts: Prompts, files: number): Promise<void> {
  if (await prompts.confirm({ message: `Write these ${files} files?`, flag: '--yes' })) return;
  throw new PhaseError('PH1001', { problem: 'It was not confirmed; nothing was written.' });
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
  const from =
    flags.from ??
    (await prompts.choose(
      { message: 'Which column?', flag: '--from' },
      (await listTypedColumns(db, found.oid)).map(({ name, type }) => ({ name, description: type })),
    ));
  const to =
    flags.to ??
    (await prompts.ask({ message: 'Its new name?', flag: '--to' }, (answer) =>
      problemOf(() => ensureUsableColumns(db, found, { from, to: answer })),
    ));
  const releases =
    flags.releases ??
    (await prompts.ask(
      { message: 'The releases of the three phases?', flag: '--releases' },
      (answer) => problemOf(async () => void ensureUsableReleases(history, parseReleases(answer))),
      proposedReleases(project, history).join(','),
    ));
  return { table: tableName, from, to, releases: parseReleases(releases), name: flags.name };
}

async function askTable(db: Queryable, prompts: Prompts): Promise<string> {
  const tables = await listTables(db);
  const choices = tables.map((found) => ({
    name: displayName(found),
    description: estimated(found.rows),
  }));
  return prompts.choose({ message: 'Which table?', flag: '--table' }, choices);
}

/** A table that was never analysed has no estimate, and may be large. */
const estimated = (rows: number | null): string =>
  rows === null ? 'rows not estimated (never analysed)' : `about ${count(Math.round(rows), 'row')}`;

/** True, or the sentence that says what is wrong: what a prompt wants of a validation. */
async function problemOf(check: () => Promise<void>): Promise<true | string> {
  try {
    await check();
    return true;
  } catch (error) {
    if (error instanceof PhaseError) return `${error.message} ${error.why}`;
    throw error;
  }
}

function parseReleases(text: string): Release[] {
  return text.split(',').map((part) => parseRelease(part));
}

function proposedReleases(project: Project, history: History): readonly Release[] {
  const known = [
    project.config.release,
    project.packageRelease,
    ...history.manifests.filter(({ state }) => state === 'released').map(({ release }) => release),
  ];
  const releases = known.filter((release) => release !== undefined && release !== null);
  const latest = releases.sort(compareReleases).at(-1) ?? '0.0.0';
  return nextReleases(latest);
}

function describeFacts(facts: TableFacts): string {
  const { column } = facts;
  const ofKinds = byKind(facts.objects).filter(({ kind }) => kind.carried !== 'with the column');
  const headings = [...new Set(ofKinds.map(({ kind }) => kind.heading))];
  const namesUnder = (heading: string): string =>
    ofKinds
      .filter(({ kind }) => kind.heading === heading)
      .flatMap(({ objects }) => objects.map(({ name }) => name))
      .join(', ');
  const rows = [
    ['type', column.type],
    ['default', column.default === null ? '' : `${column.default.expression} (${column.default.class})`],
    ['not null', column.notNull ? 'yes' : ''],
    ...headings.map((heading) => [heading, namesUnder(heading)]),
  ].filter(([, value]) => value !== '');
  const size = `${estimated(facts.rows)} in ${count(facts.pages, 'page')}`;
  return `\nFound on ${quoteQualified(facts.table)}.${column.name}, ${size}:\n${table(rows.map((row) => ['', ...row]))}`;
}

function describeFiles(files: RenameDraft['files'], found: RenameDraft['plan']['warnings']): string {
  const warnings = found.map(({ message }) => `! ${message}`);
  const rows = files.map(({ path, release, phase }) => ['', `phase ${phase}`, release, path]);
  return [`\nWill write:\n${table(rows)}`, ...warnings, ''].join('\n');
}

function written({ plan, files, warnings }: RenameDraft): Result {
  return {
    document: { rename: plan.rename.name, files, warnings },
    text: files.map(({ path }) => `wrote ${path}`).join('\n'),
  };
}
