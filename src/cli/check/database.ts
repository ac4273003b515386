import { checkLargeChange } from '../../checks/large-changes.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import { readHistory } from '../../project/history.ts';
import { largeChanges } from '../../runner/large-changes.ts';
import type { CommandContext } from '../context.ts';

/** Changes that would be large: where a database is given, and can be asked. */
export async function checkByDatabase(context: CommandContext, project: Project): Promise<Finding[]> {
  const database = await context.database(project);
  if (database.connection === undefined) return [];
  try {
    const changes = await largeChanges(project, await readHistory(project.root), database);
    return changes.map(({ file, name, rows }) => checkLargeChange(file, name, rows, project.config.audit.smallChange));
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    return [
      {
        code: 'not_counted',
        severity: 'warning',
        file: null,
        line: null,
        message: `How large the changes of data migrations would be is not known: ${error.code} ${error.message} ${error.why}`,
        remedy: `${error.remedy} Without a URL of a database they are not counted.`,
      },
    ];
  }
}
