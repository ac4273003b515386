import { differencesText } from '../../report/differences.ts';
import { parseSource, type Source } from '../../sources/source.ts';
import { type Verification, verify } from '../../sources/verify.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { wantedSource } from '../wanted-source.ts';

interface VerifyFlags {
  from?: string;
  to?: string;
  release?: string;
  rows?: boolean;
}

export async function runVerify(
  context: CommandContext,
  { from, to, release, rows = false }: VerifyFlags,
): Promise<Result> {
  const surroundings = await surroundingsOf(context, release);
  const isKnown = surroundings.database.connection !== undefined;
  const usual: Source = isKnown ? { kind: 'database' } : { kind: 'migrations' };
  const verification = await verify(surroundings, {
    from: from === undefined ? usual : parseSource(from, '--from'),
    to: wantedSource(surroundings.project, to),
    rows,
  });
  const { differences, down } = verification;
  const ok = differences.length === 0 && down.differences.length === 0 && (verification.rows ?? []).length === 0;
  const statements = differences.flatMap(({ statement }) => statement ?? []);
  const document = { ok, ...verification, statements, hazards: [], renames: [] };
  return { document, text: textOf(verification), exitCode: ok ? 0 : 7 };
}

function textOf({ applied, differences, down, rows, uncompared }: Verification): string {
  const { reverted, irreversible } = down;
  const back = irreversible === null ? '' : `; ${irreversible} has no way back`;
  return [
    `${count(applied.length, 'migration')} ran on a clone, ${reverted.length} of them there and back${back}`,
    differences.length === 0
      ? 'It gives the wanted schema.'
      : `It does not give the wanted schema:\n${differencesText(differences)}`,
    ...down.differences.map((line) => `The way back leaves a difference: ${line}`),
    ...(rows ?? []).map((change) => `Rows: ${change}`),
    ...uncompared.map((what) => `Not compared: ${what}`),
    ...(rows !== null && rows.length === 0 ? ['All rows are as they were.'] : []),
  ].join('\n');
}
