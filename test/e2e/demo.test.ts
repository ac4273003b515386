import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';

test.each([
  ['deploys three releases under traffic', []],
  ['is cut off, killed, stopped and loses its server while it does', ['--chaos']],
])(
  'the demo %s, loses nothing, and closes with one line',
  (_, chaos) => {
    const flags = ['--rows', '3000', '--services', '1', '--pace', '0.5', ...chaos];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'jiti/register', 'test/demo/main.ts', ...flags],
      {
        cwd: repository,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    expect({ status, problems: status === 0 ? '' : stderr }).toEqual({ status: 0, problems: '' });
    expect(stdout).toMatch(
      /^demo: 3 releases deployed under traffic, \d+ writes by 24 clients, 0 lost, longest wait \d+ ms, schema equals ALTER TABLE RENAME COLUMN\n$/,
    );
  },
  120_000,
);
