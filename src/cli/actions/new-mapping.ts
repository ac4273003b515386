import { findTable } from '../../catalog/find-table.ts';
import { sampleMappedRows } from '../../catalog/sample-rows.ts';
import { ensureMayQuiet } from '../../data/backfill/quiet.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Mapping, MappingKind } from '../../domain/mapping.ts';
import { withConnection } from '../../postgres/connection.ts';
import { looking } from '../../postgres/looking.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import { type History, readHistory } from '../../project/history.ts';
import { draftMapping, type GivenColumn, type MappingAnswers } from '../../wizard/map-columns.ts';
import { askColumn, askReleases, askTable } from '../change-questions.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { Prompts } from '../prompts.ts';
import { writeChange } from '../write-change.ts';

interface CommonFlags {
  table?: string;
  drop?: string[];
  onError?: string;
  releases?: string;
  name?: string;
  quietTriggers?: boolean;
}

interface SplitFlags extends CommonFlags {
  from?: string;
  into?: string[];
  back?: string;
}

interface MergeFlags extends CommonFlags {
  from?: string[];
  to?: string;
  using?: string;
  back?: string[];
}

export function runSplit(context: CommandContext, flags: SplitFlags): Promise<Result> {
  return run(context, 'split', flags, async (db, prompts, of) => {
    const found = await findTable(db, of);
    const from = flags.from ?? (await askColumn(db, prompts, found, '--from'));
    const into = flags.into ?? (await askLines(prompts, 'Its new columns, each as name=expression', '--into'));
    const back =
      flags.back ??
      (flags.into === undefined
        ? await prompts.ask(
            { message: `What is ${from}, of the new columns (empty: nothing leads back)?`, flag: '--back' },
            async () => true,
          )
        : '');
    return {
      old: [from],
      fresh: into.map((one) => givenColumn('--into', one)),
      back: back === '' ? [] : [{ name: from, expression: back }],
    };
  });
}

export function runMerge(context: CommandContext, flags: MergeFlags): Promise<Result> {
  return run(context, 'merge', flags, async (_db, prompts) => {
    const old = flags.from ?? (await askLines(prompts, 'The columns that become one', '--from'));
    const to = flags.to ?? (await prompts.ask({ message: 'The new column?', flag: '--to' }, notEmpty));
    const using =
      flags.using ??
      (await prompts.ask({ message: `What is ${to}, of ${old.join(', ')}?`, flag: '--using' }, notEmpty));
    const back =
      flags.back ??
      (flags.using === undefined
        ? await askLines(prompts, `What each is of ${to}, as name=expression (none: nothing leads back)`, '--back')
        : []);
    return { old, fresh: [{ name: to, expression: using }], back: back.map((one) => givenColumn('--back', one)) };
  });
}

const notEmpty = async (text: string): Promise<true | string> => text !== '' || 'It is empty.';

/** One answer a line, until an empty one. */
async function askLines(prompts: Prompts, message: string, flag: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const head = lines.length === 0 ? message : 'And another one';
    const line = await prompts.ask({ message: `${head} (empty: no more)?`, flag }, async () => true);
    if (line === '') return lines;
    lines.push(line);
  }
}

/** `name=expression`. @throws PH1015 */
function givenColumn(flag: string, text: string): GivenColumn {
  const [, quoted, plain, expression] = /^\s*(?:"((?:[^"]|"")+)"|([^="]+?))\s*=\s*([\s\S]+)$/.exec(text) ?? [];
  const name = quoted?.replaceAll('""', '"') ?? plain;
  if (name === undefined || expression === undefined)
    throw new PhaseError('PH1015', { what: flag, value: text, allowed: 'name=expression' });
  return { name, expression };
}

type Columns = Pick<MappingAnswers, 'old' | 'fresh' | 'back'>;

async function run(
  context: CommandContext,
  kind: MappingKind,
  flags: CommonFlags,
  ask: (db: Queryable, prompts: Prompts, of: string) => Promise<Columns>,
): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: `phase new ${kind}` }, async (db) => {
    const prompts = new Prompts(context);
    const answers = await askRest(db, prompts, { project, history, kind, flags, ask });
    const quietTriggers = flags.quietTriggers ?? false;
    if (quietTriggers) await ensureMayQuiet(db);
    const draft = await looking(db, () => draftMapping(db, history, answers, { now: new Date(), quietTriggers }));
    const { facts } = draft;
    const sample = (mapping: Mapping) => sampleMappedRows(db, mapping);
    return writeChange(context, prompts, { db, history, kind, facts, draft, sample });
  });
}

interface Asking {
  readonly project: Project;
  readonly history: History;
  readonly kind: MappingKind;
  readonly flags: CommonFlags;
  readonly ask: (db: Queryable, prompts: Prompts, of: string) => Promise<Columns>;
}

async function askRest(
  db: Queryable,
  prompts: Prompts,
  { project, history, kind, flags, ask }: Asking,
): Promise<MappingAnswers> {
  const of = flags.table ?? (await askTable(db, prompts));
  const columns = await ask(db, prompts, of);
  const releases = await askReleases(prompts, { project, history }, flags.releases);
  const { drop = [], onError = null, name } = flags;
  return { kind, table: of, ...columns, drop, onError, releases, name };
}
