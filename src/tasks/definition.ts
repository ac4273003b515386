import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import type { WorkContext } from '../data/work.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ParamValue } from '../ledger/runs.ts';
import { reasonOf } from '../postgres/errors.ts';
import { folders } from '../project/folders.ts';
import type { ModuleSource } from '../project/modules.ts';
import { type ParamDefinitions, problemsOfDefinitions } from './params.ts';

/** The second argument of a task's `run`. */
export interface TaskContext extends WorkContext {
  /** The values of its parameters. */
  readonly params: Readonly<Record<string, ParamValue>>;
  /** Number of the run. */
  readonly run: number;
}

/** A task of an application, loaded. */
export interface Task {
  readonly name: string;
  /** Relative to the root. */
  readonly path: string;
  readonly params: ParamDefinitions;
  /** Several runs at the same time. */
  readonly concurrent: boolean;
  readonly ticket: string | null;
  readonly run: (knex: Knex, context: TaskContext) => unknown;
}

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

/** Names of the tasks that an application has, sorted. */
export async function listTasks(root: string): Promise<string[]> {
  const files = await readdir(join(root, folders.tasks)).catch(() => []);
  const names = files.flatMap((file) => {
    const extension = EXTENSIONS.find((ending) => file.endsWith(ending) && !file.endsWith(`.d${ending}`));
    return extension === undefined ? [] : [file.slice(0, -extension.length)];
  });
  return [...new Set(names)].sort();
}

/** @throws PH1022 when there is none of that name, PH5006 when it cannot be loaded, PH3014 when it is no task. */
export async function loadTask(source: ModuleSource, name: string): Promise<Task> {
  const { root } = source;
  const known = await listTasks(root);
  const path = EXTENSIONS.map((extension) => join(folders.tasks, `${name}${extension}`)).find((file) =>
    existsSync(join(root, file)),
  );
  if (path === undefined || !known.includes(name)) throw new PhaseError('PH1022', { task: name, known });
  const { run, params = {}, config = {} } = await importTask(source, path);
  const refuse = (reason: string): never => {
    throw new PhaseError('PH3014', { file: path, reason });
  };
  if (typeof run !== 'function') return refuse('It exports no function run.');
  const problems = problemsOfDefinitions(params);
  if (problems.length > 0) return refuse(`${problems.join('; ')}.`);
  if (typeof config !== 'object' || config === null) return refuse('Its config is no object.');
  const { concurrent = false, ticket = null } = config as Partial<Task>;
  if (ticket !== null && typeof ticket !== 'string') return refuse('Its ticket is no text.');
  return {
    name,
    path,
    params: params as ParamDefinitions,
    concurrent: concurrent === true,
    ticket: ticket === '' ? null : ticket,
    run: run as Task['run'],
  };
}

async function importTask({ root, load }: ModuleSource, path: string): Promise<Record<string, unknown>> {
  try {
    return await load(join(root, path));
  } catch (error) {
    throw new PhaseError('PH5006', { file: path, reason: reasonOf(error) }, { cause: error });
  }
}
