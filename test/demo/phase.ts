import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repository } from '../support/bookshop.ts';

/** A command as an operator gives it. */
export interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The project's folder. */
  readonly root: string;
}

/** A run that did not end well. */
export class Ended extends Error {}

/** Runs `phase` as an operator would, and gives its JSON; what it says on stderr goes to `onLine`. @throws Ended */
export function phase<T>(
  { args, env, root }: Command,
  onLine: (line: string) => void,
  onStart: (child: ChildProcess) => void = () => undefined,
): Promise<T> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), ...args, '--json'], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onStart(child);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    createInterface({ input: child.stderr }).on('line', onLine);
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0
        ? done(JSON.parse(printed) as T)
        : fail(new Ended(`phase ${args.join(' ')} ended with ${code}: ${printed}`)),
    );
  });
}
