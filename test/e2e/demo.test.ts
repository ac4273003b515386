import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';

/** The other kinds in long runs: `VERSIONS=all`. */
const CHANGES = [
  [
    'renames a column while it is cut off, killed, stopped and loses its server',
    ['--chaos'],
    'ALTER TABLE RENAME COLUMN',
  ],
  [
    'gives a key another type while it is cut off, killed, stopped and loses its server',
    ['--change', 'retype', '--chaos'],
    'ALTER TABLE ALTER COLUMN TYPE',
  ],
] as const;

test.each(process.env.VERSIONS === 'all' ? CHANGES : CHANGES.slice(0, 1))(
  'the demo %s, loses nothing, and closes with one line',
  (_, change, equal) => {
    const flags = ['--rows', '3000', '--services', '1', '--pace', '0.5', ...change];
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
      /^demo: 3 releases deployed under traffic, \d+ writes by 24 clients, 0 lost, longest wait \d+ ms, schema equals /,
    );
    expect(stdout.endsWith(`schema equals ${equal}\n`)).toBe(true);
  },
  120_000,
);
