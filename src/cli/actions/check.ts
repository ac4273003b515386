import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import { placeInGit } from '../../project/git.ts';
import { readHistory } from '../../project/history.ts';
import { currentRelease } from '../../project/target-release.ts';
import { FINDING_FORMATS, findingsDocument } from '../../report/findings.ts';
import { checkByDatabase } from '../check/database.ts';
import { checkFiles } from '../check/files.ts';
import { judgeMigrations } from '../check/judge.ts';
import { checkByReplay } from '../check/replay.ts';
import type { CommandContext } from '../context.ts';
import { formatNamed } from '../formats.ts';
import type { Result } from '../output.ts';

interface CheckFlags {
  format: string;
  replay: boolean;
}

export async function runCheck(context: CommandContext, { format, replay }: CheckFlags): Promise<Result> {
  const show = formatNamed(FINDING_FORMATS, format);
  const project = await context.openProject();
  const found = await checkFiles(project.root, currentRelease(project));
  // Files that are wrong cannot be run, nor judged.
  const judged = found.some(({ code }) => code !== 'old_name')
    ? []
    : await judge(context, project, replay && found.length === 0);
  const findings = [...found, ...judged, ...(await checkByDatabase(context, project))];
  // Annotations name files from the top of the repository.
  const shown = format === 'github' ? findingsAt(placeInGit(project.root), findings) : findings;
  const text = findings.length === 0 && format === 'text' ? 'Nothing is wrong.' : show(shown);
  return { document: findingsDocument(findings), text, exitCode: findings.length === 0 ? 0 : 7 };
}

async function judge(context: CommandContext, project: Project, replay: boolean): Promise<Finding[]> {
  const history = await readHistory(project.root);
  const { findings, seen } = replay ? await checkByReplay(context, project, history) : { findings: [], seen: null };
  return [...findings, ...(await judgeMigrations(context, project, history, seen))];
}

function findingsAt(place: string, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, file: finding.file === null ? null : `${place}${finding.file}` }));
}
