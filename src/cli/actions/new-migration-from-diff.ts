import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { groupBy } from '../../domain/group.ts';
import { nextReleases, parseRelease, type Release } from '../../domain/release.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import { type FileChange, type Write, writeTogether } from '../../project/files.ts';
import { readHistory } from '../../project/history.ts';
import { ensureOpen } from '../../project/release-files.ts';
import { targetRelease } from '../../project/target-release.ts';
import { enterTouches } from '../../replay/enter-touches.ts';
import { diffText } from '../../report/diff-text.ts';
import { columnId, isAboutColumns } from '../../schema/about-columns.ts';
import type { PossibleRename } from '../../schema/possible-renames.ts';
import { safeSteps } from '../../schema/safe-form.ts';
import type { ReversibleStep } from '../../schema/safe-step.ts';
import type { SchemaDiff } from '../../schema/schema-diff.ts';
import type { Statement } from '../../schema/statement.ts';
import { type ChosenRename, diffSources, type SourcesDiff } from '../../sources/diff.ts';
import { type Surroundings, withSource } from '../../sources/open.ts';
import { parseRename } from '../../sources/parse-rename.ts';
import { parseSource, type Source } from '../../sources/source.ts';
import { withWaysBack } from '../../sources/ways-back.ts';
import { draftFromDiff } from '../../wizard/from-diff.ts';
import { ensureWord } from '../../wizard/new-file.ts';
import { draftRename, ensureUsableReleases, type NewName } from '../../wizard/rename-column.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { wantedSource } from '../wanted-source.ts';
import { diffDocument, isSame } from './diff.ts';

interface FromDiffFlags {
  from: string;
  to?: string;
  release?: string;
  rename?: string[];
  releases?: string;
  allowDataLoss?: boolean;
  check?: boolean;
}

export async function runNewFromDiff(context: CommandContext, command: Command): Promise<Result> {
  const flags = command.opts<FromDiffFlags>();
  const name = ensureWord('migration', command.args[0] ?? '');
  const surroundings = await surroundingsOf(context);
  const { project } = surroundings;
  const [from, to] = [parseSource(flags.from, '--from'), wantedSource(project, flags.to)];
  const options = { from, to, allowDataLoss: flags.allowDataLoss ?? false };
  const given = (flags.rename ?? []).map(parseRename);
  const first = await diffSources(surroundings, { ...options, renames: given });
  if (flags.check) {
    const text = isSame(first) ? 'Migrations and the wanted schema agree.' : diffText(first);
    return { document: diffDocument(first), text, exitCode: isSame(first) ? 0 : 7 };
  }
  const said = await askRenames(context, first.renames);
  const renames = [...given, ...said];
  const diff = said.length === 0 ? first : await diffSources(surroundings, { ...options, renames });
  ensureRuns(diff);
  const chosen = flags.release ?? (renames.length === 0 ? undefined : flags.releases?.split(',')[0]?.trim());
  const release = ensureOpen(surroundings.history, targetRelease(project, chosen));
  const { scaffolded, changes, warnings } = await writeTogether(project.root, async (write) => {
    const renamed = await scaffoldRenames(context, surroundings, { from, renames, given: flags.releases, write });
    const drafted = await draft(surroundings, diff, { name, release, renames, last: renamed.last });
    await write(drafted.changes);
    return { scaffolded: renamed, ...drafted };
  });
  if (changes.length > 0) await enterTouches(project, surroundings.shadow);
  for (const warning of warnings) context.output.notice(warning);
  return written(diff, [...new Set([...scaffolded.files, ...changes.map(({ path }) => path)])]);
}

/** A migration that fails is none. @throws PH5030 */
function ensureRuns({ hazards }: SchemaDiff): void {
  const failing = hazards.find(({ kind }) => kind === 'fails');
  if (failing !== undefined) throw new PhaseError('PH5030', { statement: failing.statement, reason: failing.message });
}

/** Without anybody to ask they are only shown. */
async function askRenames(context: CommandContext, offered: readonly PossibleRename[]): Promise<ChosenRename[]> {
  if (!context.canAsk) return [];
  const { Prompts } = await import('../prompts.ts');
  const chosen: ChosenRename[] = [];
  for (const { table, from, to, evidence } of offered) {
    const message = `Is ${table}.${from} renamed to ${to}? (${evidence.join('; ')})`;
    if (await new Prompts(context).confirm({ message, flag: '--rename' })) chosen.push({ table, from, to });
  }
  return chosen;
}

interface Scaffolded {
  /** The paths of what was written. */
  readonly files: readonly string[];
  /** The release in which the old columns go; null without renames. */
  readonly last: Release | null;
}

interface Scaffolding {
  readonly from: Source;
  readonly renames: readonly ChosenRename[];
  /** As `--releases` gives them. */
  readonly given: string | undefined;
  readonly write: Write;
}

/** By the wizard, in the schema that the difference begins with. */
async function scaffoldRenames(
  context: CommandContext,
  surroundings: Surroundings,
  { from, renames, given, write }: Scaffolding,
): Promise<Scaffolded> {
  if (renames.length === 0) return { files: [], last: null };
  const { project } = surroundings;
  const releases = await releasesOf(context, surroundings, given);
  ensureUsableReleases(surroundings.history, releases);
  const { rewriteLimit } = project.config;
  return withSource(surroundings, from, ({ database }) =>
    withConnection({ ...database, applicationName: 'phase new migration-from-diff' }, async (db) => {
      const written: string[] = [];
      // A key of several columns is renamed at one moment.
      for (const [table, group] of groupBy(renames, (rename) => rename.table)) {
        const columns = group.map(({ from: old, to }) => ({ from: old, to })) as [NewName, ...NewName[]];
        const history = await readHistory(project.root);
        const drafted = await looking(db, () =>
          draftRename(db, history, { table, columns, releases }, { now: new Date(), rewriteLimit }),
        );
        for (const { message } of drafted.warnings) context.output.notice(message);
        await write(drafted.changes);
        written.push(...drafted.files.map(({ path }) => path));
      }
      return { files: written, last: releases.at(-1) ?? null };
    }),
  );
}

async function releasesOf(
  context: CommandContext,
  { project }: Surroundings,
  given: string | undefined,
): Promise<Release[]> {
  if (given !== undefined) return given.split(',').map((one) => parseRelease(one.trim()));
  const current = targetRelease(project, undefined);
  const proposed = [current, ...nextReleases(current)].slice(0, 3).join(',');
  const { Prompts } = await import('../prompts.ts');
  const question = { message: 'The releases of its three phases?', flag: '--releases' };
  const answer = await new Prompts(context).ask(question, async (text) => problemIn(text), proposed);
  return answer.split(',').map((one) => parseRelease(one.trim()));
}

function problemIn(text: string): true | string {
  try {
    for (const one of text.split(',')) parseRelease(one.trim());
    return true;
  } catch (error) {
    if (error instanceof PhaseError) return error.message;
    throw error;
  }
}

interface DraftOptions {
  readonly name: string;
  readonly release: Release;
  readonly renames: readonly ChosenRename[];
  /** Where what stands on renamed columns goes: until then they are two. */
  readonly last: Release | null;
}

async function draft(
  surroundings: Surroundings,
  { statements, from, to }: SourcesDiff,
  { name, release, renames, last }: DraftOptions,
): Promise<{ readonly changes: readonly FileChange[]; readonly warnings: readonly string[] }> {
  const columns = new Set(renames.map(({ table, to: column }) => columnId(from.facts, table, column)));
  const rest = statements.slice(renames.length);
  const isLate = (one: Statement): boolean => isAboutColumns(one, columns, [from.facts, to.facts]);
  const early = safeSteps(
    rest.filter((one) => !isLate(one)),
    from.facts,
    to.facts,
  );
  const late = safeSteps(rest.filter(isLate), from.facts, to.facts);
  const steps = await withWaysBack(surroundings, from, [...early, ...late]);
  const history = await readHistory(surroundings.project.root);
  const draftOf = (part: readonly ReversibleStep[], into: Release) =>
    draftFromDiff(history, part, {
      name,
      release: into,
      now: new Date(),
      at: steps.indexOf(part[0] as ReversibleStep),
      of: steps.length,
    });
  const changes = [
    ...(await draftOf(steps.slice(0, early.length), release)),
    ...(await draftOf(steps.slice(early.length), last ?? release)),
  ];
  return { changes, warnings: steps.flatMap(({ warning }) => warning ?? []) };
}

function written(diff: SchemaDiff, files: readonly string[]): Result {
  const notes = [
    ...diff.kept.map(
      (object) => `${object} stays as it is: values would be lost; --allow-data-loss changes or drops it`,
    ),
    ...diff.renames.map(
      ({ table, from, to }) => `perhaps ${table}.${from} is renamed to ${to}: --rename ${table}.${from}=${to}`,
    ),
    ...diff.rest.map((line) => `differs still, and has to be changed by hand: ${line}`),
  ];
  const said =
    files.length === 0
      ? ['there is nothing to write']
      : [...files.map((path) => `wrote ${path}`), count(files.length, 'file')];
  return { document: { ...diffDocument(diff), files }, text: [...said, ...notes].join('\n') };
}
