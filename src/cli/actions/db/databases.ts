import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../../api/runs.ts';
import type { Project } from '../../../project/config.ts';
import { folders } from '../../../project/folders.ts';
import { readHistory } from '../../../project/history.ts';
import {
  createDatabase,
  dropDatabase,
  ensureDisposable,
  ensureEmpty,
  loadStructure,
  type NamedDatabase,
  namedDatabase,
  seed,
} from '../../../sources/development.ts';
import { parseSource } from '../../../sources/source.ts';
import type { CommandContext } from '../../context.ts';
import { count } from '../../count.ts';
import type { Result } from '../../output.ts';

interface LoadFlags {
  from?: string;
}

type Run = (context: CommandContext, opened: Opened, flags: LoadFlags) => Promise<string[]>;

interface Opened {
  readonly project: Project;
  readonly target: NamedDatabase;
}

/** Each gives what it says. */
const RUNS: Readonly<Record<'create' | 'drop' | 'reset' | 'load' | 'seed', Run>> = {
  create: async (_context, { target }) => [
    (await createDatabase(target)) ? `created ${target.name}` : `${target.name} is there`,
  ],
  drop: async (context, { project, target }) => {
    await ensureDisposable(project, target, await context.environment(project), 'db drop');
    await confirm(context, `Drop the database ${target.name}, with all that is in it?`);
    return [(await dropDatabase(target)) ? `dropped ${target.name}` : `${target.name} was not there`];
  },
  load,
  seed: async (context, { project, target }) => {
    await ensureDisposable(project, target, await context.environment(project), 'db seed');
    const files = await seed(project, target);
    return files.length === 0 ? [`${folders.seeds} has no files`] : files.map((file) => `ran ${file}`);
  },
  reset: async (context, opened, flags) => {
    const { project, target } = opened;
    await ensureDisposable(project, target, await context.environment(project), 'db reset');
    await confirm(context, `Drop the database ${target.name}, with all that is in it, and make it anew?`);
    await dropDatabase(target);
    await createDatabase(target);
    return [
      `made ${target.name} anew`,
      ...(await load(context, opened, flags)),
      ...(await seed(project, target)).map((file) => `ran ${file}`),
    ];
  },
};

/** What phase dump wrote; without it, or where that is asked for, all migrations are run. */
async function load(context: CommandContext, { project, target }: Opened, { from }: LoadFlags): Promise<string[]> {
  const isThere = existsSync(join(project.root, folders.structure));
  const source = from === undefined ? null : parseSource(from, '--from');
  if (source?.kind === 'file' || (source === null && isThere)) {
    const file = source?.kind === 'file' ? source.file : folders.structure;
    await loadStructure(project, target, file);
    return [`loaded ${file}`];
  }
  await ensureEmpty(target.database, target.name);
  const release = (await readHistory(project.root)).manifests.at(-1)?.release;
  if (release === undefined) return ['there are no migrations'];
  const { applied } = await migrate({ ...(await context.project()), release, maintenance: true });
  return [`${count(applied.length, 'migration')} applied, up to ${release}`];
}

async function confirm(context: CommandContext, message: string): Promise<void> {
  const { Prompts } = await import('../../prompts.ts');
  const { PhaseError } = await import('../../../domain/errors/phase-error.ts');
  if (!(await new Prompts(context).confirm({ message, flag: '--yes' })))
    throw new PhaseError('PH1004', { question: message, flag: '--yes' });
}

/** `phase db create|drop|reset|load|seed` */
export async function runDatabases(
  context: CommandContext,
  name: keyof typeof RUNS,
  flags: LoadFlags,
): Promise<Result> {
  const project = await context.openProject();
  const target = await namedDatabase(await context.database(project), context.surroundings.env);
  const lines = await RUNS[name](context, { project, target }, flags);
  return { document: { database: target.name, done: lines }, text: lines.join('\n') };
}
