import { differencesText } from '../../report/differences.ts';
import { findDrift } from '../../sources/drift.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';

export async function runDrift(context: CommandContext, { ignore = [] }: { ignore?: string[] }): Promise<Result> {
  const { differences, ignored, uncompared } = await findDrift(await surroundingsOf(context), ignore);
  const ok = differences.length === 0;
  const passed = ignored.length === 0 ? '' : `${count(ignored.length, 'difference')} that the configuration ignores`;
  const said = ok
    ? `The database is what its ledger says${passed === '' ? '' : `, but for ${passed}`}.`
    : differencesText(differences);
  for (const what of uncompared) context.output.notice(`Not compared: ${what}`);
  return { document: { ok, differences, ignored, uncompared }, text: said, exitCode: ok ? 0 : 7 };
}
