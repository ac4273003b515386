import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Usage } from '../../domain/finding.ts';
import { releaseOfPhase } from '../../domain/manifest.ts';
import { partsOf, type Rename, wholeOf } from '../../domain/rename.ts';
import { type History, readHistory } from '../../project/history.ts';
import { packageName } from '../../project/package-json.ts';
import { table } from '../../report/table.ts';
import { render } from '../../scaffold/templates.ts';
import { findUsages } from '../../usages/find.ts';
import { typescriptOf } from '../../usages/typescript.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function usages(context: CommandContext, name: string): Promise<Result> {
  const history = await readHistory((await context.openProject()).root);
  const change = renameOf(history, name);
  const found: Usage[] = [];
  for (const part of wholeOf(change) === name ? partsOf(history.renames.values(), name) : [change]) {
    found.push(...(await findUsages(history, part)));
  }
  if (typescriptOf(history.root) === null)
    context.output.notice(
      "TypeScript's own parser is not installed, or a version that has none: code is read by its words, and more is likely. npm install --save-dev typescript-5@npm:typescript@5",
    );
  const parts = SAID.flatMap(([certainty, title]) => {
    const rows = found
      .filter((one) => one.certainty === certainty)
      .map(({ file, line, text }) => [`${file}:${line}`, text]);
    return rows.length === 0 ? [] : [`${title} (${rows.length})\n${table(rows)}`];
  });
  return { document: { usages: found }, text: parts.join('\n\n') || noneOf(change) };
}

const noneOf = ({ retype, from }: Rename): string =>
  retype === null ? 'The old name is not used any more.' : `No line names ${from}, so none has to read both types.`;

const SAID = [
  ['sure', 'The column of this table'],
  ['likely', 'Likely: the table is named around it'],
  ['by_name', 'By its name alone, perhaps of another table'],
] as const;

export async function notice(context: CommandContext, name: string): Promise<Result> {
  const history = await readHistory((await context.openProject()).root);
  const change = renameOf(history, name);
  const app = (await packageName(history.root)) ?? 'the application';
  const whole = wholeOf(change);
  const [first, second, third] = ([1, 2, 3] as const).map(
    (phase) => releaseOfPhase(history.manifests, whole, phase) ?? '(not planned yet)',
  );
  const columns = partsOf(history.renames.values(), whole).map(({ table: { schema, name: table }, ...part }) => ({
    ...part,
    table: `${schema}.${table}`,
    newType: part.retype?.type,
  }));
  const written =
    change.retype === null
      ? render('notice/notice.md', { ...columns[0], app, first, second, third })
      : render('notice/retype.md', {
          app,
          columns,
          first: columns[0],
          others: columns.length > 1,
          expand: first,
          second,
          third,
        });
  return { document: { text: written, usages: [] }, text: written };
}

/** @throws PH1026 */
function renameOf({ renames }: History, name: string): Rename {
  const rename = renames.get(name);
  if (!rename) throw new PhaseError('PH1026', { rename: name, known: [...renames.keys()] });
  return rename;
}
