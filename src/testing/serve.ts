import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { openDatabase } from './database.ts';
import { type SchemaState, statesOf } from './states.ts';

/*
 * The process that suites talk to: whatever loads and transforms the modules of a test (Jest's own module system, Vite, ts-node), migrations run here as
 * `phase` runs them. Arguments: `states` or `open`, and what is asked for as JSON. It answers by one line of JSON each, on a pipe of its own, since what is
 * loaded may print whatever it likes, and drops its database when its input ends, also with the process that asked.
 */

const ANSWERS = 3;

interface StatesQuestion {
  readonly root: string;
  readonly release?: string;
}

interface OpenQuestion {
  readonly root: string;
  readonly state: SchemaState;
  readonly dump?: string;
}

function say(answer: object): void {
  writeSync(ANSWERS, `${JSON.stringify(answer)}\n`);
}

async function open({ root, state, dump }: OpenQuestion): Promise<void> {
  const database = openDatabase({ root, state, dump });
  // Reading begins at once, so that whoever leaves early is noticed.
  const ended = new Promise<void>((resolve) => void createInterface({ input: process.stdin }).once('close', resolve));
  try {
    say({ url: await database.url });
    await ended;
  } finally {
    await database.close();
  }
}

async function main([question = '', asked = '{}']: readonly string[]): Promise<void> {
  try {
    if (question === 'open') await open(JSON.parse(asked));
    else {
      const { root, release } = JSON.parse(asked) as StatesQuestion;
      say(statesOf(root, release));
    }
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    say({ error: { code: error.code, details: error.details } });
    // Nobody is listened to any more.
    process.stdin.destroy();
  }
}

// A terminal tells the whole group: the end of the input says it, when the runner has come to its own.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
await main(process.argv.slice(2));
