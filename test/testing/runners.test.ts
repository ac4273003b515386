import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { TestProject } from '../support/project.ts';
import { JEST, NODE_TEST, SCHEMA } from '../support/runners.ts';

const project = new TestProject(undefined, { 'package.json': '{"version": "1.0.0"}', ...SCHEMA });
afterAll(() => project.remove());
mkdirSync(join(project.root, 'node_modules'));
for (const name of ['triphase', 'jest'] as const) {
  const path = name === 'triphase' ? repository : join(repository, 'node_modules', name);
  symlinkSync(path, join(project.root, 'node_modules', name));
}

test.each([NODE_TEST, JEST])('a suite runs by $title', ({ files, run }) => {
  for (const [path, text] of Object.entries(files)) project.write(path, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, run, {
    cwd: project.root,
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env.PATH, PHASE_SHADOW_DATABASE_URL: process.env.TRIPHASE_TEST_SERVER },
  });
  expect(`${status} ${stdout}${stderr}`).toContain('it ran: Ada');
  expect(status).toBe(0);
});
