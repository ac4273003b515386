import type { OnEvent } from '../domain/events.ts';
import { untraced } from '../domain/trace.ts';
import { loadModule } from '../load.ts';
import { openProject, type Project } from '../project/config.ts';
import { databaseOf } from '../project/database.ts';
import { type Environment, environmentOf } from '../project/environments.ts';
import type { RunnerOptions } from '../runner/session.ts';
import { listener } from './listener.ts';

/** What every function takes, and the command line takes by its global flags. */
export interface ProjectOptions {
  /** The folder from which the configuration is looked for, walking up; the current one when left out. */
  readonly cwd?: string | undefined;
  /** The configuration's file, from `cwd`. */
  readonly config?: string | undefined;
  /** Else the configuration's, else DATABASE_URL, else what the knexfile says, else PG*. */
  readonly databaseUrl?: string | undefined;
  /** Instead of `process.env`: DATABASE_URL, PHASE_AUDIT_STORE, PHASE_ENVIRONMENT, TRACEPARENT. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told of each event while the function works. Nothing waits for it, and what it throws is a warning of the process. */
  readonly onEvent?: OnEvent | undefined;
}

/** A project, its database, and who listens. */
export interface Opened extends RunnerOptions {
  readonly project: Project;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the configuration; null where the database is none of them. */
  readonly environment: Environment | null;
}

/** A project, and the environment that it was opened in. */
type OpenedFiles = Pick<Opened, 'project' | 'env'>;

/** @throws PH1002, PH1003. */
export async function openFiles(options: ProjectOptions): Promise<OpenedFiles> {
  const env = options.env ?? process.env;
  const project = await openProject(options.cwd ?? process.cwd(), {
    load: loadModule,
    configFile: options.config,
    env,
  });
  return { project, env };
}

/** @param stragglerWindowMs instead of the configuration's. @throws PH1002, PH1003, PH1033. */
export async function open(options: ProjectOptions, stragglerWindowMs?: number): Promise<Opened> {
  const { project, env } = await openFiles(options);
  const environment = environmentOf(project, options.databaseUrl, env);
  return {
    project,
    database: await databaseOf(project, options.databaseUrl, env),
    env,
    environment,
    approvals: environment?.approvals ?? 0,
    onEvent: listener(options.onEvent),
    trace: untraced,
    stragglerWindowMs: stragglerWindowMs ?? project.config.stragglerWindow,
  };
}
