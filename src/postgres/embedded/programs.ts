import { spawn } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reachable } from './account.ts';
import type { EmbeddedVersion } from './binaries.ts';
import type { Places } from './places.ts';

/** The binaries themselves, or a copy where the server's account cannot reach the npm package. */
export async function reachableBinaries(native: string, version: EmbeddedVersion, places: Places): Promise<string> {
  if (places.account === null || reachable(native, places.account)) return native;
  const copy = join(places.base, '..', `binaries-${version}`);
  const complete = join(copy, 'complete');
  if (
    await readFile(complete).then(
      () => true,
      () => false,
    )
  )
    return copy;
  await rm(copy, { recursive: true, force: true });
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await writeFile(complete, '');
  return copy;
}

/** Runs one of PostgreSQL's programs as the server's account; what it prints is the reason when it fails. */
export function runProgram(program: string, args: string[], places: Places): Promise<void> {
  return new Promise((done, fail) => {
    // pg_ctl leaves the server behind with the streams it was given, so they must not be pipes that we wait on.
    const child = spawn(program, args, {
      cwd: places.base,
      env: { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' },
      stdio: ['ignore', args[0] === 'start' ? 'ignore' : 'pipe', args[0] === 'start' ? 'ignore' : 'pipe'],
      ...(places.account ?? {}),
    });
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      printed += chunk;
    });
    child.on('error', (error) => fail(new PhaseError('PH5007', { reason: error.message }, { cause: error })));
    child.on('exit', (code) =>
      code === 0
        ? done()
        : fail(new PhaseError('PH5007', { reason: `${args[0]} ended with ${code}. ${printed.trim()}` })),
    );
  });
}
