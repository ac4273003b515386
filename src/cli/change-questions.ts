import { listTypedColumns } from '../catalog/column.ts';
import { displayName, type ListedTable, listTables } from '../catalog/find-table.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { compareReleases, nextReleases, parseRelease, type Release } from '../domain/release.ts';
import { byKind } from '../objects/registry.ts';
import type { TableFacts } from '../objects/table-facts.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { table } from '../report/table.ts';
import { ensureUsableReleases, type RenameDraft } from '../wizard/rename-column.ts';
import { count } from './count.ts';
import type { Prompts } from './prompts.ts';

export async function ensureConfirmed(prompts: Prompts, files: number): Promise<void> {
  if (await prompts.confirm({ message: `Write these ${files} files?`, flag: '--yes' })) return;
  throw new PhaseError('PH1001', { problem: 'It was not confirmed; nothing was written.' });
}

export async function askTable(db: Queryable, prompts: Prompts): Promise<string> {
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
export async function problemOf(check: () => Promise<void>): Promise<true | string> {
  try {
    await check();
    return true;
  } catch (error) {
    if (error instanceof PhaseError) return `${error.message} ${error.why}`;
    throw error;
  }
}

export async function askColumn(db: Queryable, prompts: Prompts, { oid }: ListedTable, flag: string): Promise<string> {
  const columns = await listTypedColumns(db, oid);
  return prompts.choose(
    { message: 'Which column?', flag },
    columns.map(({ name, type }) => ({ name, description: type })),
  );
}

export async function askReleases(
  prompts: Prompts,
  { project, history }: { readonly project: Project; readonly history: History },
  given: string | undefined,
): Promise<Release[]> {
  const answer =
    given ??
    (await prompts.ask(
      { message: 'The releases of the three phases?', flag: '--releases' },
      (text) => problemOf(async () => void ensureUsableReleases(history, parseReleases(text))),
      proposedReleases(project, history).join(','),
    ));
  return parseReleases(answer);
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

/** What was found on the column, for people. */
export function describeFacts(facts: TableFacts): string {
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

/** Which files are to be written, with what to know before. */
export function describeFiles(files: RenameDraft['files'], found: RenameDraft['plan']['warnings']): string {
  const warnings = found.map(({ message }) => `! ${message}`);
  const rows = files.map(({ path, release, phase }) => ['', `phase ${phase}`, release, path]);
  return [`\nWill write:\n${table(rows)}`, ...warnings, ''].join('\n');
}
