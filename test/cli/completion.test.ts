import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { candidatesFor } from '../../src/cli/actions/completion.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { repository } from '../support/bookshop.ts';

const program = buildProgram(() => async () => undefined);
const complete = (...typed: string[]): string[] => candidatesFor(program, typed).map(({ word }) => word);

test.each([
  ['a command', ['mig'], ['migrate']],
  ['a command of a group', ['release', 'c'], ['cut']],
  ['one after options', ['--json', '--database-url', 'postgres://h/d', 'release', 'l'], ['list']],
  ['an option', ['migrate', '--slow'], ['--slow-roll']],
  ['an option that every command knows', ['release', 'cut', '--js'], ['--json']],
  ['nothing where a value is due', ['migrate', '--release', ''], []],
  ['nothing of what is for programs alone', ['completion', 'w'], []],
])('%s: %j', (_what, typed, wanted) => {
  expect(complete(...typed)).toEqual(wanted);
});

test('everything that stands first is a command', () => {
  const names = program.commands.map((command) => command.name());
  expect(complete('')).toEqual([...names, 'help']);
});

test('bash completes by the script', () => {
  const folder = mkdtempSync(join(tmpdir(), 'triphase-completion-'));
  try {
    const main = join(repository, 'dist/cli/main.js');
    writeFileSync(join(folder, 'phase'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 });
    const asked = `source <(phase completion bash); COMP_WORDS=(phase release ''); COMP_CWORD=2; _phase; echo "\${COMPREPLY[*]}"`;
    const { stdout } = spawnSync('bash', ['-c', asked], {
      encoding: 'utf8',
      env: { PATH: `${folder}${delimiter}${process.env.PATH}` },
    });
    expect(stdout.trim().split(/\s+/)).toEqual(['list', 'cut', 'retarget', 'help']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
