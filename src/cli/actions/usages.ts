import { type Change, changesOf, columnsOf, isMapping, isMove, isRename } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Usage } from '../../domain/finding.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { releaseOfPhase } from '../../domain/manifest.ts';
import { hasWayBack, type MappedColumn, type Mapping, mapped, namesOf } from '../../domain/mapping.ts';
import type { Move } from '../../domain/move.ts';
import { type Conversion, partsOf, type Rename, wholeOf } from '../../domain/rename.ts';
import { type History, readHistory } from '../../project/history.ts';
import { packageName } from '../../project/package-json.ts';
import { table } from '../../report/table.ts';
import { render } from '../../scaffold/templates.ts';
import { findUsages, type Sought } from '../../usages/find.ts';
import { typescriptOf } from '../../usages/typescript.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function usages(context: CommandContext, name: string): Promise<Result> {
  const history = await readHistory((await context.openProject()).root);
  const change = changeNamed(history, name);
  const all: Usage[] = [];
  for (const column of soughtOf(history, change)) all.push(...(await findUsages(history, column)));
  const found = oncePerLine(all);
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

/** A line that names several columns is one to look at: the surest of what is said of it. */
function oncePerLine(all: readonly Usage[]): Usage[] {
  const rank = ({ certainty }: Usage): number => SAID.findIndex(([one]) => one === certainty);
  const lines = new Map<string, Usage>();
  for (const usage of all) {
    const at = `${usage.file}:${usage.line}`;
    const known = lines.get(at);
    if (known === undefined || rank(usage) < rank(known)) lines.set(at, usage);
  }
  return [...lines.values()];
}

/** The columns whose usages are looked for: those of a change and of its parts, or of one part alone. */
function soughtOf(history: History, change: Change): Sought[] {
  if (isMapping(change)) return change.old.map(({ name: from }) => ({ from, table: change.table }));
  if (isMove(change)) return [change];
  return change.partOf === null ? partsOf(history.renames.values(), change.name) : [change];
}

const noneOf = (change: Change): string =>
  isRename(change) ? noneOfColumn(change) : `No line names ${columnsOf(change).old.join(' or ')} any more.`;

const noneOfColumn = ({ retype, from }: Rename): string =>
  retype === null ? 'The old name is not used any more.' : `No line names ${from}, so none has to read both types.`;

const SAID = [
  ['sure', 'The column of this table'],
  ['likely', 'Likely: the table is named around it'],
  ['by_name', 'By its name alone, perhaps of another table'],
] as const;

export async function notice(context: CommandContext, name: string): Promise<Result> {
  const history = await readHistory((await context.openProject()).root);
  const change = changeNamed(history, name);
  const app = (await packageName(history.root)) ?? 'the application';
  const whole = wholeOf(change);
  const [first, second, third] = ([1, 2, 3] as const).map(
    (phase) => releaseOfPhase(history.manifests, whole, phase) ?? '(not planned yet)',
  );
  if (isMove(change)) return moveNotice(change, { app, first, second, third });
  if (isMapping(change)) return mappingNotice(change, { app, first, second, third });
  const columns = partsOf(history.renames.values(), whole).map(({ table: { schema, name: table }, ...part }) => ({
    ...part,
    table: `${schema}.${table}`,
    newType: part.retype?.type,
  }));
  const view = { app, columns, first: columns[0], others: columns.length > 1, expand: first, second, third };
  const written = render(change.retype === null ? 'notice/notice.md' : 'notice/retype.md', view);
  return { document: { text: written, usages: [] }, text: written };
}

/** What whoever reads the database has to know of a move. */
function moveNotice({ table, from, toTable, to, type, via }: Move, releases: object): Result {
  const text = render('notice/move.md', {
    ...releases,
    ...{ from, to, type, table: `${table.schema}.${table.name}`, toTable: `${toTable.schema}.${toTable.name}` },
    via: via.map(({ source, target }) => `${toTable.name}.${target} = ${table.name}.${source}`).join(' AND '),
  });
  return { document: { text, usages: [] }, text };
}

/** What whoever reads the database has to know of a split or a merge. */
function mappingNotice(mapping: Mapping, releases: object): Result {
  const { table, old, fresh } = mapping;
  const text = render('notice/mapping.md', {
    ...releases,
    ...{ table: `${table.schema}.${table.name}`, oldNames: namesOf(old), newNames: namesOf(fresh), old },
    fresh: fresh.map(({ name, type, value }) => ({ name, type, value: value === null ? '' : inNames(value, old) })),
    follows: hasWayBack(mapping),
  });
  return { document: { text, usages: [] }, text };
}

/** An expression as it was given; a `|` would end its cell. */
function inNames(value: Conversion, old: readonly MappedColumn[]): string {
  const names = old.map(({ name }) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdent(name)));
  return mapped(value, names)
    .replace(/^\(([\s\S]*)\)$/, '$1')
    .replaceAll('|', '\\|');
}

/** @throws PH1026 */
function changeNamed(history: History, name: string): Change {
  const changes = changesOf(history);
  const change = changes.get(name);
  if (!change) throw new PhaseError('PH1026', { rename: name, known: [...changes.keys()] });
  return change;
}
