import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import { placeInGit } from '../../project/git.ts';
import { type History, readHistory } from '../../project/history.ts';
import { currentRelease } from '../../project/target-release.ts';
import { FINDING_FORMATS, findingsDocument } from '../../report/findings.ts';
import { compareWithBase } from '../check/base.ts';
import { checkByDatabase } from '../check/database.ts';
import { checkDrift } from '../check/drift.ts';
import { checkFiles } from '../check/files.ts';
import { judgeMigrations } from '../check/judge.ts';
import { checkByReplay } from '../check/replay.ts';
import type { CommandContext } from '../context.ts';
import { formatNamed } from '../formats.ts';
import type { Result } from '../output.ts';

interface CheckFlags {
  format: string;
  replay: boolean;
  base?: string;
}

export async function runCheck(context: CommandContext, { format, ...flags }: CheckFlags): Promise<Result> {
  const show = formatNamed(FINDING_FORMATS, format);
  const project = await context.openProject();
  const findings = await findingsFor(context, project, flags);
  // Annotations name files from the top of the repository.
  const shown = format === 'github' ? findingsAt(placeInGit(project.root), findings) : findings;
  const text = findings.length === 0 && format === 'text' ? 'Nothing is wrong.' : show(shown);
  return { document: findingsDocument(findings), text, exitCode: findings.length === 0 ? 0 : 7 };
}

/** All that is wrong. @throws PH1036 for a base that git does not know. */
export async function findingsFor(
  context: CommandContext,
  project: Project,
  { replay, base }: Omit<CheckFlags, 'format'>,
): Promise<Finding[]> {
  const found = await checkFiles(project.root, currentRelease(project));
  // Files that are wrong cannot be run, nor judged.
  const isRunnable = found.every(({ code }) => code === 'old_name');
  const history = isRunnable || base !== undefined ? await readHistory(project.root).catch(() => null) : null;
  const beside = base === undefined || history === null ? null : compareWithBase(history, base);
  const judged =
    isRunnable && history !== null
      ? await judge(context, { project, history, known: beside?.known ?? null, replay: replay && found.length === 0 })
      : [];
  return [...found, ...(beside?.findings ?? []), ...judged, ...(await checkByDatabase(context, project))];
}

interface Judged {
  readonly project: Project;
  readonly history: History;
  /** Of the base: these are judged already. Null without a base. */
  readonly known: ReadonlySet<string> | null;
  readonly replay: boolean;
}

async function judge(context: CommandContext, { project, history, known, replay }: Judged): Promise<Finding[]> {
  const { findings, seen } = replay ? await checkByReplay(context, project, history) : { findings: [], seen: null };
  const judged = await judgeMigrations(context, { project, history, known }, seen);
  return [...findings, ...judged, ...(replay ? await checkDrift(context, project, history) : [])];
}

function findingsAt(place: string, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, file: finding.file === null ? null : `${place}${finding.file}` }));
}
