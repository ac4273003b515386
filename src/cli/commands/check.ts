import type { Command } from 'commander';
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
import type { Project } from '../../project/config.ts';
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
      'do not run the migrations on an embedded server to see whether they touch what the manifests say',
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
  const touches = replay && found.length === 0 ? await wrongTouches(context, project) : [];
  const findings = [...found, ...touches, ...(await changesTooLarge(context, project))];
  const text = findings.length === 0 && format === 'text' ? 'Nothing is wrong.' : show(findings);
  return { document: findingsDocument(findings), text, exitCode: findings.length === 0 ? 0 : 7 };
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
  findings.push(...checkUnlisted(unlistedFiles(history).map(({ path }) => path)));
  if (current !== undefined) findings.push(...(await oldNames(history, current)));
  return findings;
}

/** What open manifests say of tables, against what is observed. */
async function wrongTouches(context: CommandContext, project: Project): Promise<Finding[]> {
  const history = await readHistory(project.root);
  const open = history.manifests.filter(({ state }) => state === 'open');
  const said = open.flatMap(({ migrations }) => migrations.filter(({ touches }) => touches !== undefined));
  const wanted = new Set(said.map(({ id }) => id));
  if (wanted.size === 0) return [];
  const observed = await observeWhatCan(project, history, context.shadowUrl(project), wanted);
  const problem = observed instanceof PhaseError ? observed : observed.failed?.error;
  if (problem) context.output.notice(`Not every migration could be replayed: ${problem.code} ${problem.message}`);
  if (observed instanceof PhaseError) return [];
  const manifests = open.map((manifest) => ({ file: manifestPath(manifest.release), manifest }));
  return checkTouches(manifests, observed.touches);
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
