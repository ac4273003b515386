import type { Command } from 'commander';
import type { Opened, ProjectOptions } from '../api/project.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Database } from '../postgres/connection.ts';
import type { Project } from '../project/config.ts';
import type { Environment } from '../project/environments.ts';
import { Output, type Streams } from './output.ts';

/** Where a command runs: the process, or a test. */
export interface Surroundings extends Streams {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: { readonly isTTY?: boolean };
  /** Told that a hook of the configuration did not end, and may keep the process from ending. */
  readonly onLeftAtWork?: () => void;
}

/** The global flags, as commander gives them. */
interface GlobalFlags {
  config?: string;
  databaseUrl?: string;
  environment?: string;
  json?: boolean;
  color: boolean;
  yes?: boolean;
  input: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** What every command works with. */
export class CommandContext {
  readonly surroundings: Surroundings;
  readonly output: Output;
  readonly #flags: GlobalFlags;

  constructor(surroundings: Surroundings, flags: GlobalFlags) {
    const { environment } = flags;
    this.surroundings =
      environment === undefined
        ? surroundings
        : { ...surroundings, env: { ...surroundings.env, PHASE_ENVIRONMENT: environment } };
    this.#flags = flags;
    this.output = new Output(surroundings, {
      json: flags.json ?? false,
      color: flags.color && wantsColor(surroundings),
      quiet: flags.quiet ?? false,
      verbose: flags.verbose ?? false,
    });
  }

  static of(surroundings: Surroundings, command: Command): CommandContext {
    return new CommandContext(surroundings, command.optsWithGlobals());
  }

  get saidYes(): boolean {
    return this.#flags.yes ?? false;
  }

  /** Whether there is somebody to ask. */
  get canAsk(): boolean {
    const { stdin, stderr } = this.surroundings;
    return this.#flags.input && !this.#flags.json && stdin.isTTY === true && stderr.isTTY === true;
  }

  async openProject(): Promise<Project> {
    const { openProject } = await import('../project/config.ts');
    const { loadModule: load } = await import('../load.ts');
    const { cwd, env } = this.surroundings;
    return openProject(cwd, { load, configFile: this.#flags.config, env });
  }

  async database(project: Project): Promise<Database> {
    const { databaseOf } = await import('../project/database.ts');
    return databaseOf(project, this.#flags.databaseUrl, this.surroundings.env);
  }

  /** The environment of the configuration that the command is for; null where it is none of them. @throws PH1037 */
  async environment(project: Project): Promise<Environment | null> {
    const { environmentOf } = await import('../project/environments.ts');
    return environmentOf(project, this.#flags.databaseUrl, this.surroundings.env);
  }

  /** Where databases that nobody keeps are made; undefined for an embedded server. */
  shadowUrl(project: Project): string | undefined {
    return project.config.shadowDatabaseUrl ?? (this.surroundings.env.PHASE_SHADOW_DATABASE_URL || undefined);
  }

  /** What the global flags say, for the functions of `triphase/api`; what they tell is printed. */
  async project(): Promise<ProjectOptions> {
    const { TerminalListener } = await import('./progress.ts');
    const terminal = await TerminalListener.on(this.output);
    const { cwd, env } = this.surroundings;
    const { config, databaseUrl } = this.#flags;
    return { cwd, env, config, databaseUrl, onEvent: (event) => this.#heard(event, terminal) };
  }

  async runner(): Promise<Opened> {
    const { open } = await import('../api/project.ts');
    return open(await this.project());
  }

  #heard(event: RunEvent, terminal: { tell(event: RunEvent): void }): void {
    if (event.type === 'hookFailed' && event.isLate) this.surroundings.onLeftAtWork?.();
    terminal.tell(event);
  }
}

function wantsColor({ env, stderr }: Surroundings): boolean {
  return env.NO_COLOR === undefined && env.TERM !== 'dumb' && stderr.isTTY === true;
}
