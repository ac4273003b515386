import { checkAlteredAlone } from '../../checks/altered-alone.ts';
import { checkTouches } from '../../checks/touches.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import { manifestPath } from '../../project/manifests.ts';
import { observeWhatCan } from '../../replay/enter-touches.ts';
import type { ObservedTouches } from '../../replay/touches.ts';
import type { CommandContext } from '../context.ts';
import { findingOf } from './finding-of.ts';

/** What was found by running migrations, and what was seen of them; null where none was to be run, or none could be. */
export interface Replayed {
  readonly findings: readonly Finding[];
  readonly seen: ObservedTouches | null;
}

/** Whether the migrations of open manifests run, and touch what those say. */
export async function checkByReplay(context: CommandContext, project: Project, history: History): Promise<Replayed> {
  const open = history.manifests.filter(({ state }) => state === 'open');
  const wanted = new Set(open.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  if (wanted.size === 0) return { findings: [], seen: null };
  const observed = await observeWhatCan(project, history, context.shadowUrl(project), wanted);
  const problem = observed instanceof PhaseError ? observed : observed.failed?.error;
  const failed = problem === undefined ? [] : [replayFinding(findingOf(problem, history.files), problem)];
  if (observed instanceof PhaseError) return { findings: failed, seen: null };
  const manifests = open.map((manifest) => ({ file: manifestPath(manifest.release), manifest }));
  const altered = observed.followed.map((change) => ({
    ...change,
    file: history.files.find(({ id }) => id === change.id)?.path ?? null,
  }));
  const findings = [...failed, ...checkTouches(manifests, observed.touches), ...checkAlteredAlone(altered)];
  return { findings, seen: observed };
}

/** A migration that is wrong in any database; else what was not looked at, which nobody may take for right. */
function replayFinding(found: Finding, problem: PhaseError): Finding {
  if (isWrongAnywhere(problem)) return found;
  if (codeOf(problem) === sqlState.activeTransaction) {
    const remedy =
      'Begin it with the line -- phase:no-transaction; in TypeScript: export const config = { transaction: false }. What runs outside a transaction stands alone in its migration.';
    return { ...found, remedy };
  }
  return {
    ...found,
    code: 'not_replayed',
    severity: 'warning',
    message: `Not every migration could be replayed, so that nothing is known of the rest: ${problem.code} ${found.message}`,
    remedy:
      'Let migrations run in an empty database, or name one in shadowDatabaseUrl whose server has what they need (extensions, roles); --no-replay leaves this check out.',
  };
}

/** The rest may be for want of tables from before phase, of extensions or roles that are not on the embedded server. */
function isWrongAnywhere(error: PhaseError): boolean {
  return ['PH2018', 'PH3014', 'PH5006'].includes(error.code) || codeOf(error) === sqlState.syntaxError;
}
