import { Command, CommanderError } from 'commander';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import { asPhaseError } from '../postgres/known-error.ts';
import type { Action } from './action.ts';
import { registerAcknowledge } from './commands/acknowledge.ts';
import { registerAudit } from './commands/audit.ts';
import { registerCheck } from './commands/check.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDb } from './commands/db.ts';
import { registerDiff } from './commands/diff.ts';
import { registerDrift } from './commands/drift.ts';
import { registerDump } from './commands/dump.ts';
import { registerHash } from './commands/hash.ts';
import { registerInit } from './commands/init.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerNew } from './commands/new.ts';
import { registerPlan } from './commands/plan.ts';
import { registerRebase } from './commands/rebase.ts';
import { registerRelease } from './commands/release.ts';
import { registerResolve } from './commands/resolve.ts';
import { registerReview } from './commands/review.ts';
import { registerRollback } from './commands/rollback.ts';
import { registerSquash } from './commands/squash.ts';
import { registerStatus } from './commands/status.ts';
import { registerSync } from './commands/sync.ts';
import { registerTask } from './commands/task.ts';
import { registerUsages } from './commands/usages.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWait } from './commands/wait.ts';
import { CommandContext, type Surroundings } from './context.ts';
import { Output } from './output.ts';

/** Runs a command line and gives the exit code; nothing is thrown. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode = 0;
  const action: Action =
    (run) =>
    async (...parameters) => {
      const command = parameters.at(-1) as Command;
      const context = CommandContext.of(surroundings, command);
      const result = await run(context, command);
      context.output.result(result);
      exitCode = result.error ? result.error.exitCode : (result.exitCode ?? 0);
    };
  try {
    await buildProgram(action, surroundings).parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, args, surroundings);
  }
}

/** The whole command line; docs/cli.md is generated from it. */
export function buildProgram(action: Action, surroundings?: Surroundings): Command {
  const program = new Command('phase')
    .description(
      'Renames PostgreSQL columns through three releases without downtime, and runs migrations in one order.',
    )
    .version(toolVersion())
    .option('--config <file>', 'configuration file (else phase.config.{ts,mts,js,mjs,cjs,json}, walking up)')
    .option('--database-url <url>', 'database (else the configuration, DATABASE_URL, PG*)')
    .option('--environment <name>', 'one of environments in the configuration (also PHASE_ENVIRONMENT)')
    .option('--json', 'one JSON document on stdout, errors too')
    .option('--no-color', 'no colours (also NO_COLOR, TERM=dumb)')
    .option('--yes', 'confirm what would be asked')
    .option('--no-input', 'never ask; a missing answer is an error')
    .option('--quiet', 'no progress and no notices')
    .option('--verbose', 'causes of errors, too');
  for (const register of [
    registerInit,
    registerNew,
    registerPlan,
    registerMigrate,
    registerStatus,
    registerWait,
    registerRollback,
    registerResolve,
    registerAcknowledge,
    registerRelease,
    registerCheck,
    registerReview,
    registerRebase,
    registerSquash,
    registerUsages,
    registerTask,
    registerAudit,
    registerHash,
    registerDump,
    registerDiff,
    registerVerify,
    registerDrift,
    registerSync,
    registerDb,
    registerCompletion,
  ]) {
    register(program, action);
  }
  configureAll(program, surroundings);
  return program;
}

/** Errors are thrown, not printed by commander, and every command knows them. */
function configureAll(command: Command, surroundings: Surroundings | undefined): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => surroundings?.stdout.write(text),
      writeErr: () => undefined,
    });
  for (const sub of command.commands) configureAll(sub, surroundings);
}

/** Says what ended a command, also where nobody has caught it, and gives the exit code. */
export function report(error: unknown, args: readonly string[], surroundings: Surroundings): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const known = toPhaseError(error);
  const flags = {
    json: args.includes('--json'),
    color:
      !args.includes('--no-color') && surroundings.env.NO_COLOR === undefined && surroundings.stderr.isTTY === true,
    quiet: false,
    verbose: args.includes('--verbose'),
  };
  new Output(surroundings, flags).error(known);
  return known.exitCode;
}

/** Commander's message as a sentence, with what it suggests. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replaceAll(/\s+/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function toPhaseError(error: unknown): PhaseError {
  if (error instanceof PhaseError) return error;
  if (error instanceof CommanderError) {
    const isHelp = error.code === 'commander.help';
    const problem = isHelp ? 'A command is missing.' : sentence(error.message);
    return new PhaseError('PH1001', { problem }, { cause: error });
  }
  if (error instanceof Error && error.name === 'ExitPromptError') {
    return new PhaseError(
      'PH1001',
      { problem: 'The question was not answered; nothing was written.' },
      { cause: error },
    );
  }
  return asPhaseError(error);
}
