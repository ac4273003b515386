import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import type { Difference } from '../../schema/compare.ts';
import { findDrift, stepsThatRan } from '../../sources/drift.ts';
import type { CommandContext } from '../context.ts';

/** What was changed by hand: in a database that is given, and that phase has migrated. */
export async function checkDrift(context: CommandContext, project: Project, history: History): Promise<Finding[]> {
  const severity = project.config.check.rules.drift ?? 'warning';
  const database = await context.database(project);
  if (severity === 'off' || database.connection === undefined) return [];
  const surroundings = { project, history, database, shadow: context.shadowUrl(project), release: undefined };
  try {
    if ((await stepsThatRan(surroundings, database)).length === 0) return [];
    const { differences } = await findDrift(surroundings, []);
    return differences.map((difference) => ({ ...findingOf(difference), severity }));
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    // Nobody has asked for it: a project whose tables were there before phase cannot be replayed, and is none the worse.
    context.output.notice(
      `Whether the database is what its ledger says was not looked at: ${error.code} ${error.message} ${error.why}`,
    );
    return [];
  }
}

const WORDS = {
  missing: 'is missing in the database',
  unexpected: 'is in the database, and no migration has made it',
  changed: 'is another one in the database',
} as const;

function findingOf({ object, kind, statement }: Difference): Omit<Finding, 'severity'> {
  const back = statement === null ? 'phase drift says what differs' : `To bring it back: ${statement}`;
  return {
    code: 'drift',
    file: null,
    line: null,
    message: `${object} ${WORDS[kind]}.`,
    remedy: `${back}. What is meant goes into a migration, or into drift.ignore of the configuration with a reason.`,
  };
}
