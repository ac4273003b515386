import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { applicationNameOf } from '../../src/postgres/application-name.ts';
import { repository } from '../support/bookshop.ts';

test('a connection is called by what it is, and by who runs it where, in 63 bytes', () => {
  expect(applicationNameOf('phase-run', 'abc')).toMatch(/^phase-run abc .+@/);
  expect(Buffer.byteLength(applicationNameOf('phase-run', 'x'.repeat(100)))).toBe(63);
});

const isRoot = process.getuid?.() === 0;

(isRoot ? test : test.skip)(
  'a user id that no file knows, as platforms give to containers, is one like any other',
  () => {
    const script = `
    const { createJiti } = await import('jiti');
    const { applicationNameOf } = await createJiti(process.cwd() + '/').import('./src/postgres/application-name.ts');
    process.setuid(54321);
    console.log(applicationNameOf('phase-run', 'abc'));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: repository,
      encoding: 'utf8',
    });
    expect(printed).toMatch(/^phase-run abc uid-54321@/);
  },
);
