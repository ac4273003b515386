#!/usr/bin/env node
import { Console } from 'node:console';
import { report, runCli } from './program.ts';

// stdout carries the result and nothing else, also where a migration or a task prints something.
globalThis.console = new Console(process.stderr, process.stderr);

// As Node has it from 21 on: without it pg makes a Response to find out where it runs, which loads all of fetch.
if (!('navigator' in globalThis)) {
  const userAgent = `Node.js/${process.versions.node.split('.')[0]}`;
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent }, configurable: true });
}

const args = process.argv.slice(2);
let isLeftAtWork = false;
const surroundings = {
  cwd: process.cwd(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onLeftAtWork: () => {
    isLeftAtWork = true;
  },
};

// Whoever reads may stop reading (`| head -1`): what was begun goes on, and ends as it would.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.on('uncaughtException', (error) => process.exit(report(error, args, surroundings)));
process.exitCode = await runCli(args, surroundings);
// A hook of the configuration that does not end must not keep a deployment from ending.
if (isLeftAtWork) process.exit();
