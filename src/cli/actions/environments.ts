import { environmentsOf } from '../../project/environments.ts';
import { table } from '../../report/table.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function runEnvironments(context: CommandContext, { branch }: { branch?: string }): Promise<Result> {
  const environments = environmentsOf(await context.openProject()).filter(
    (one) => branch === undefined || one.branch === branch,
  );
  const rows = environments.map(({ name, urlVariable, branch: of, development, forwardOnly, approvals }) => [
    name,
    urlVariable,
    of ?? '',
    [development ? 'development' : '', forwardOnly ? 'forwardOnly' : '', approvals > 0 ? `approvals ${approvals}` : '']
      .filter((one) => one !== '')
      .join(', '),
  ]);
  const text = rows.length === 0 ? 'none' : table(rows);
  return { document: { environments }, text };
}
