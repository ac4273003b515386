import type { JudgedMigration, JudgedStatement } from '../../checks/rule.ts';
import { field, tableName } from '../../checks/syntax.ts';
import type { Finding } from '../../domain/finding.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { scriptParts } from '../../project/sql-migration.ts';
import { runSquawk, squawkOf } from '../../project/squawk.ts';

/** What squawk says of scripts, where the project has it: told what runs in a transaction; of tables that are new it is not asked. */
export async function checkBySquawk(
  root: string,
  judged: readonly JudgedMigration[],
  isNew: (table: string) => boolean,
): Promise<Finding[]> {
  const program = squawkOf(root);
  if (program === null) return [];
  const findings: Finding[] = [];
  for (const migration of judged.filter(({ file }) => file.endsWith('.sql'))) {
    findings.push(...(await squawked(program, migration, isNew)));
  }
  return findings;
}

async function squawked(
  program: string,
  { file, text, isInTransaction, statements }: JudgedMigration,
  isNew: (table: string) => boolean,
): Promise<Finding[]> {
  // The way back is another script.
  const { up } = scriptParts(text);
  try {
    const found = await runSquawk(program, up, { isInTransaction });
    return found
      .filter(({ line }) => !isAboutNew(statements, line, isNew))
      .map(({ line, isError, message, help, rule }) => ({
        code: `squawk_${rule.replaceAll('-', '_')}`,
        severity: isError ? 'error' : 'warning',
        file,
        line,
        message,
        remedy: help || `https://squawkhq.com/docs/${rule}`,
      }));
  } catch (error) {
    const message = `squawk could not look at it: ${reasonOf(error)}`;
    return [
      {
        code: 'squawk_failed',
        severity: 'warning',
        file,
        line: null,
        message,
        remedy: 'Install a version of squawk-cli that runs here, or none.',
      },
    ];
  }
}

/** Whether the statement on a line is about a table that is new. */
function isAboutNew(statements: readonly JudgedStatement[], line: number, isNew: (table: string) => boolean): boolean {
  const statement = statements.find(
    (one) => one.line !== null && one.lastLine !== null && one.line <= line && line <= one.lastLine,
  );
  const relation = field(statement?.node, 'relation') ?? field(field(statement?.node, 'into'), 'rel');
  return relation !== undefined && isNew(tableName(relation));
}
