import { spawn } from 'node:child_process';
import { detect, resolveCommand } from 'package-manager-detector';
import { PhaseError } from '../domain/errors/phase-error.ts';

/** A command that adds a package to a project. */
export interface InstallCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** What adds a development dependency to a project, by the package manager that it uses; npm where nothing tells. */
export async function installCommand(root: string, spec: string): Promise<InstallCommand> {
  const agent = (await detect({ cwd: root }))?.agent ?? 'npm';
  const resolved = resolveCommand(agent, 'add', ['-D', spec]);
  return resolved ?? { command: 'npm', args: ['install', '--save-dev', spec] };
}

/**
 * Runs it in the project's folder. What it says goes to stderr: stdout carries the result of a command.
 * @throws PH5027 when it fails.
 */
export async function runInstall(root: string, { command, args }: InstallCommand): Promise<void> {
  const text = [command, ...args].join(' ');
  const reason = await new Promise<string | null>((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `It ended with ${code ?? signal}.`));
  });
  if (reason !== null) throw new PhaseError('PH5027', { command: text, reason });
}
