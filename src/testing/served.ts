import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ErrorCode, ErrorDetails } from '../domain/errors/catalogue.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { SchemaState, States } from './states.ts';

const SERVE = fileURLToPath(new URL('./serve.js', import.meta.url));

/** The pipe that it answers on. */
const ANSWERS = 3;

type Answer<T> = T | { readonly error: { readonly code: ErrorCode; readonly details: ErrorDetails[ErrorCode] } };

/** Asked at once: a suite is described before anything can be waited for. @throws as `statesOf` does. */
export function statesServed(question: { readonly root: string; readonly release?: string | undefined }): States {
  const { output, status, error } = spawnSync(process.execPath, [SERVE, 'states', JSON.stringify(question)], {
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const answer = output?.[ANSWERS];
  if (!answer) throw error ?? new Error(`triphase/testing ended with ${status}; what it printed says more.`);
  return answered<States>(answer);
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
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
  });
  const [input, , , answers] = child.stdio as unknown as [Writable, null, null, Readable];
  // It may have ended before it is told to.
  input.on('error', () => undefined);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const close = async (): Promise<void> => {
    child.ref();
    input.end();
    await ended;
  };
  try {
    const { url } = answered<{ url: string }>(await firstLine(answers, ended));
    // One that is never closed does not keep its process alive; it goes with it.
    child.unref();
    for (const stream of [input, answers]) (stream as unknown as { unref(): void }).unref();
    return { url, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

function firstLine(answers: Readable, ended: Promise<void>): Promise<string> {
  const none = 'triphase/testing ended without a database; what it printed says more.';
  return new Promise((resolve, reject) => {
    createInterface({ input: answers }).once('line', resolve);
    ended.then(() => reject(new Error(none)), reject);
  });
}

function answered<T>(line: string): T {
  const answer = JSON.parse(line) as Answer<T>;
  if (typeof answer === 'object' && answer !== null && 'error' in answer) {
    throw new PhaseError(answer.error.code, answer.error.details);
  }
  return answer as T;
}
