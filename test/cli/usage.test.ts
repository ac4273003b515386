import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { repository } from '../support/bookshop.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject('postgres://me:geheim@127.0.0.1:1/none');
});
afterEach(() => project.remove());

test.each([
  [['frobnicate'], "Unknown command 'frobnicate'."],
  [['migrate', '--relase', '1'], "Unknown option '--relase' (Did you mean --release?)."],
  [['release', 'cut'], "Missing required argument 'version'."],
  [[], 'A command is missing.'],
  [['release'], 'A command is missing.'],
])('phase %j is wrong usage: exit 2, and it says what is wrong', async (args, message) => {
  expect(await project.phase(...args, '--json')).toMatchObject({
    code: 2,
    json: { error: { code: 'PH1001', message } },
  });
});

test.each([
  [['wait', '--timeout', 'soon'], '--timeout'],
  [['plan', '--format', 'pdf'], '--format'],
  [['rollback', '--steps', '0'], '--steps'],
  [['db', 'url', '--pg-version', '9'], '--pg-version'],
])('a flag with a value that it cannot have is named: %j', async (args, flag) => {
  project.write('package.json', '{ "version": "1.0.0" }');
  expect(await project.phase(...args, '--json')).toMatchObject({
    code: 2,
    json: { error: { code: 'PH1015', message: expect.stringContaining(flag) } },
  });
});

test('an error for people is three lines on stderr; stdout stays empty, and no password shows', async () => {
  const { code, stdout, stderr } = await project.phase('status', '--verbose');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/^PH5001 The database at 127\.0\.0\.1:1 cannot be reached\.$/),
    expect.stringMatching(/^ {2}Nothing answers there/),
    expect.stringMatching(/^ {2}-> /),
  ]);
  expect(stderr).not.toContain('geheim');
});

test('every command has help with an example, and knows the global flags', () => {
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  for (const command of leaves(buildProgram(() => async () => undefined))) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect({ name: command.name(), help }).toMatchObject({
      help: expect.stringMatching(/--json[\s\S]*Examples?:\n {2}phase /),
    });
  }
});

test('--version prints the version', async () => {
  expect(await project.phase('--version')).toMatchObject({ code: 0, stdout: '0.1.0\n' });
});

test('init writes a configuration that is valid, the folders, and nothing twice', async () => {
  const { files } = await project.json('init');
  expect(files).toEqual(
    expect.arrayContaining(['phase.config.ts', 'db/migrate/.gitkeep', 'lib/tasks/tmp/.gitkeep', '.gitignore']),
  );
  expect((await project.json('release', 'list')).releases).toEqual([]);
  expect((await project.json('init')).files).toEqual([]);
  project.write('.gitignore', 'node_modules/');
  await project.json('init');
  expect(project.read('.gitignore')).toBe('node_modules/\n.phase/\ndb/audits/\n');
});

test('a reader that stops reading does not end a command', async () => {
  const run = 'node dist/cli/main.js --help; echo "$?" >&2';
  const { stderr } = spawnSync('bash', ['-c', `(${run}) | head -1 > /dev/null`], { cwd: repository, encoding: 'utf8' });
  expect(stderr).toBe('0\n');
});
