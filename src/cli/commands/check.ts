import type { Command } from 'commander';
import { checkBreaksItself } from '../../checks/breaks-itself.ts';
import { checkLargeChange } from '../../checks/large-changes.ts';
import { checkOldNames, switchedRenames } from '../../checks/old-names.ts';
import { checkTouches } from '../../checks/touches.ts';
import { checkUnlisted } from '../../checks/unlisted.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { manifestRelease, type Release } from '../../domain/release.ts';
import { orderMigrations } from '../../planner/order.ts';
import { ensurePhasesFollow } from '../../planner/phases-follow.ts';
import { ensureRenamesApart } from '../../planner/renames-apart.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import type { Project } from '../../project/config.ts';
import { placeInGit } from '../../project/git.ts';
import { ensureFilesIntact, type History, readHistory, unlistedFiles } from '../../project/history.ts';
import { manifestPath } from '../../project/manifests.ts';
import type { MigrationFile } from '../../project/migrations.ts';
import { findUsages } from '../../project/usages.ts';
import { observeWhatCan } from '../../replay/enter-touches.ts';
import { FINDING_FORMATS, findingsDocument } from '../../report/findings.ts';
import { largeChanges } from '../../runner/large-changes.ts';
import type { Action } from '../action.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

/** `phase check` */
export function registerCheck(program: Command, action: Action): void {
  program
    .command('check')
    .description(
      'what is wrong with migrations, manifests and renames, before anything is merged; exit 7 when something is',
    )
    .option('--format <format>', Object.keys(FINDING_FORMATS).join(', '), 'text')
    .option(
      '--no-replay',
      'do not run the migrations on an embedded server to see whether they run, and touch what the manifests say',
    )
    .addHelpText('after', '\nExample:\n  phase check --format github')
    .action(action((context, command) => runCheck(context, command.opts<CheckFlags>())));
}

interface CheckFlags {
  format: string;
  replay: boolean;
}

async function runCheck(context: CommandContext, { format, replay }: CheckFlags): Promise<Result> {
  const show = FINDING_FORMATS[format];
  if (!show) {
    throw new PhaseError('PH1015', {
      what: '--format',
      value: format,
      allowed: Object.keys(FINDING_FORMATS).join(', '),
    });
  }
  const project = await context.openProject();
  const found = await collect(project.root, project.config.release ?? project.packageRelease);
  // Files that are wrong cannot be run.
  const unlike = replay && found.length === 0 ? await replayed(context, project) : [];
  const findings = [...found, ...unlike, ...(await changesTooLarge(context, project))];
  // Annotations name files from the top of the repository.
  const shown = format === 'github' ? findingsAt(placeInGit(project.root), findings) : findings;
  const text = findings.length === 0 && format === 'text' ? 'Nothing is wrong.' : show(shown);
  return { document: findingsDocument(findings), text, exitCode: findings.length === 0 ? 0 : 7 };
}

function findingsAt(place: string, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, file: finding.file === null ? null : `${place}${finding.file}` }));
}

/** Everything that is found, as far as one thing does not hide another. */
async function collect(root: string, release: Release | null): Promise<Finding[]> {
  const findings: Finding[] = [];
  let files: readonly MigrationFile[] = [];
  const looked = async <T>(look: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof PhaseError)) throw error;
      findings.push(findingOf(error, files));
      return null;
    }
  };
  const history = await looked(() => readHistory(root));
  if (history === null) return findings;
  const { manifests, renames } = history;
  files = history.files;
  for (const manifest of manifests) await looked(() => ensureFilesIntact(history, [manifest]));
  const last = manifests.at(-1)?.release;
  await looked(() => orderMigrations(manifests));
  if (last !== undefined) await looked(() => ensureRenamesApart(manifests, renames, last));
  const current =
    release === null
      ? last
      : manifestRelease(
          release,
          manifests.map((manifest) => manifest.release),
        );
  if (current !== undefined) await looked(() => ensurePhasesFollow(manifests, current));
  findings.push(
    ...checkBreaksItself(manifests.map((manifest) => ({ file: manifestPath(manifest.release), manifest }))),
  );
  findings.push(...checkUnlisted(unlistedFiles(history).map(({ path }) => path)));
  if (current !== undefined) findings.push(...(await oldNames(history, current)));
  return findings;
}

/** Whether the migrations of open manifests run, and touch what those say. */
async function replayed(context: CommandContext, project: Project): Promise<Finding[]> {
  const history = await readHistory(project.root);
  const open = history.manifests.filter(({ state }) => state === 'open');
  const wanted = new Set(open.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  const observed = await observeWhatCan(project, history, context.shadowUrl(project), wanted);
  const problem = observed instanceof PhaseError ? observed : observed.failed?.error;
  const isCertain = problem !== undefined && isWrongAnywhere(problem);
  if (problem && !isCertain) {
    context.output.notice(`Not every migration could be replayed: ${problem.code} ${problem.message} ${problem.why}`);
  }
  const failed = problem && isCertain ? [findingOf(problem, history.files)] : [];
  if (observed instanceof PhaseError) return failed;
  const manifests = open.map((manifest) => ({ file: manifestPath(manifest.release), manifest }));
  return [...failed, ...checkTouches(manifests, observed.touches)];
}

/** The rest may be for want of tables from before phase, of extensions or roles that are not on the embedded server. */
function isWrongAnywhere(error: PhaseError): boolean {
  return ['PH3014', 'PH5006'].includes(error.code) || codeOf(error) === sqlState.syntaxError;
}

/** Where a database is given, and can be asked. */
async function changesTooLarge(context: CommandContext, project: Project): Promise<Finding[]> {
  const url = context.databaseUrl(project);
  if (url === undefined) return [];
  try {
    const changes = await largeChanges(project, await readHistory(project.root), url);
    return changes.map(({ file, name, rows }) => checkLargeChange(file, name, rows, project.config.audit.smallChange));
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    context.output.notice(`How large changes would be is not known: ${error.code} ${error.message}`);
    return [];
  }
}

async function oldNames({ root, manifests, renames }: History, release: Release): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const rename of switchedRenames(manifests, renames, release)) {
    findings.push(...checkOldNames(rename, await findUsages(root, rename)));
  }
  return findings;
}

/** @param files to tell where a migration lies that the error names by its id. */
function findingOf(error: PhaseError, files: readonly MigrationFile[]): Finding {
  const { file, manifest, id, ids } = error.details as Partial<Record<'file' | 'manifest' | 'id', string>> & {
    ids?: readonly string[];
  };
  const named = files.find((one) => one.id === (id ?? ids?.[0]));
  return {
    code: error.code,
    severity: 'error',
    file: named?.path ?? file ?? manifest ?? null,
    line: null,
    message: `${error.message} ${error.why}`,
    remedy: error.remedy,
  };
}
