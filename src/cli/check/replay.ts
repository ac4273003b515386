import { checkAlteredAlone } from '../../checks/altered-alone.ts';
import { checkTouches } from '../../checks/touches.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import type { Project } from '../../project/config.ts';
import { readHistory } from '../../project/history.ts';
import { manifestPath } from '../../project/manifests.ts';
import { observeWhatCan } from '../../replay/enter-touches.ts';
import type { CommandContext } from '../context.ts';
import { findingOf } from './finding-of.ts';

/** Whether the migrations of open manifests run, and touch what those say. */
export async function checkByReplay(context: CommandContext, project: Project): Promise<Finding[]> {
  const history = await readHistory(project.root);
  const open = history.manifests.filter(({ state }) => state === 'open');
  const wanted = new Set(open.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  if (wanted.size === 0) return [];
  const observed = await observeWhatCan(project, history, context.shadowUrl(project), wanted);
  const problem = observed instanceof PhaseError ? observed : observed.failed?.error;
  const isCertain = problem !== undefined && isWrongAnywhere(problem);
  if (problem && !isCertain) {
    context.output.notice(`Not every migration could be replayed: ${problem.code} ${problem.message} ${problem.why}`);
  }
  const failed = problem && isCertain ? [findingOf(problem, history.files)] : [];
  if (observed instanceof PhaseError) return failed;
  const manifests = open.map((manifest) => ({ file: manifestPath(manifest.release), manifest }));
  const altered = observed.followed.map((change) => ({
    ...change,
    file: history.files.find(({ id }) => id === change.id)?.path ?? null,
  }));
  return [...failed, ...checkTouches(manifests, observed.touches), ...checkAlteredAlone(altered)];
}

/** The rest may be for want of tables from before phase, of extensions or roles that are not on the embedded server. */
function isWrongAnywhere(error: PhaseError): boolean {
  return ['PH2018', 'PH3014', 'PH5006'].includes(error.code) || codeOf(error) === sqlState.syntaxError;
}
