import type { Command } from 'commander';
import type { Project } from '../project/config.ts';
import { parseDuration } from '../project/duration.ts';
import type { RunnerOptions } from '../runner/session.ts';
import { Output, type Streams } from './output.ts';

/** Where a command runs: the process, or a test. */
export interface Surroundings extends Streams {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: { readonly isTTY?: boolean };
}

/** The global flags, as commander gives them. */
interface GlobalFlags {
  config?: string;
  databaseUrl?: string;
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
    this.surroundings = surroundings;
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

  /** Flag, configuration, DATABASE_URL; undefined leaves it to the PG* variables. */
  databaseUrl(project: Project): string | undefined {
    // A variable that is set to nothing, as an unset secret is, gives no URL.
    return this.#flags.databaseUrl ?? project.config.databaseUrl ?? (this.surroundings.env.DATABASE_URL || undefined);
  }

  /** Where databases that nobody keeps are made; undefined for an embedded server. */
  shadowUrl(project: Project): string | undefined {
    return project.config.shadowDatabaseUrl ?? (this.surroundings.env.PHASE_SHADOW_DATABASE_URL || undefined);
  }

  async runner(flags: { stragglerWindow?: string } = {}): Promise<RunnerOptions> {
    const project = await this.openProject();
    const { TerminalReporter } = await import('./progress.ts');
    return {
      project,
      url: this.databaseUrl(project),
      reporter: new TerminalReporter(this.output),
      stragglerWindowMs:
        flags.stragglerWindow === undefined
          ? project.config.stragglerWindow
          : parseDuration('--straggler-window', flags.stragglerWindow),
    };
  }
}

function wantsColor({ env, stderr }: Surroundings): boolean {
  return env.NO_COLOR === undefined && env.TERM !== 'dumb' && stderr.isTTY === true;
}
