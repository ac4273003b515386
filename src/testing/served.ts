import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ErrorCode, ErrorDetails } from '../domain/errors/catalogue.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { SchemaState, States } from './states.ts';

const SERVE = fileURLToPath(new URL('./serve.js', import.meta.url));

type Answer<T> = T | { readonly error: { readonly code: ErrorCode; readonly details: ErrorDetails[ErrorCode] } };

/** Asked at once: a suite is described before anything can be waited for. @throws as `statesOf` does. */
export function statesServed(question: { readonly root: string; readonly release?: string | undefined }): States {
  const { stdout, stderr, status } = spawnSync(process.execPath, [SERVE, 'states', JSON.stringify(question)], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(`triphase/testing ended with ${status}: ${stderr}`);
  return answered<States>(stdout);
}

/** A database of a suite's own, until it is closed or its process ends. */
export interface ServedDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws what the migrations throw, PH1018 where there is no server. */
export async function databaseServed(question: {
  readonly root: string;
  readonly state: SchemaState;
  readonly dump?: string | undefined;
}): Promise<ServedDatabase> {
  const child = spawn(process.execPath, [SERVE, 'open', JSON.stringify(question)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // It may have ended before it is told to.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const { url } = answered<{ url: string }>(await firstLine(child, ended));
  // One that is never closed does not keep its process alive; it goes with it.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
  return {
    url,
    close: async () => {
      child.ref();
      child.stdin?.end();
      await ended;
    },
  };
}

function firstLine({ stdout }: ChildProcess, ended: Promise<void>): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stdout !== null) createInterface({ input: stdout }).once('line', resolve);
    void ended.then(() => reject(new Error('triphase/testing ended without a database; what it printed says more.')));
  });
}

function answered<T>(line: string): T {
  const answer = JSON.parse(line) as Answer<T>;
  if (typeof answer === 'object' && answer !== null && 'error' in answer) {
    throw new PhaseError(answer.error.code, answer.error.details);
  }
  return answer as T;
}
