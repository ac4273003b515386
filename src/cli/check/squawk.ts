import type { JudgedMigration } from '../../checks/rule.ts';
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
  { file, text, isInTransaction }: JudgedMigration,
  isNew: (table: string) => boolean,
): Promise<Finding[]> {
  // The way back is another script.
  const { up } = scriptParts(text);
  const lines = up.split('\n');
  try {
    const found = await runSquawk(program, up, { isInTransaction });
    return found
      .filter(({ line }) => !namesNew(lines.slice(line - 1, line + 2).join(' '), isNew))
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

const NAMED = /\b(?:TABLE|ON)\s+(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?(?:(\w+)"?\.)?"?(\w+)"?/gi;

function namesNew(text: string, isNew: (table: string) => boolean): boolean {
  const [first] = [...text.matchAll(NAMED)];
  return first !== undefined && isNew(`${first[1] ?? 'public'}.${first[2]}`);
}
