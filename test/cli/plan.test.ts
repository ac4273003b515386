import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(async () => {
  project = new TestProject(undefined, { 'package.json': '{ "version": "1.1.0" }' });
  await addMigration(project, '1.1.0', 'one', 'SELECT 1');
});
afterEach(() => project.remove());

const plan = (...more: string[]) => project.phase('plan', '--from', '1.0.0', '--to', '1.1.0', ...more);

test.each([['text'], ['json'], ['mermaid'], ['html']])(
  'a plan takes the place of an earlier one, and of nothing else: %s',
  async (format) => {
    project.write('notes.md', '# Not to be lost\n');
    for (const mode of [[], ['--maintenance']]) {
      expect((await plan('--format', format, '--out', 'plan.out', ...mode)).code).toBe(0);
    }
    const refused = await plan('--format', format, '--out', 'notes.md', '--json');
    expect(refused.json.error).toMatchObject({ code: 'PH1011', remedy: expect.stringContaining('--force') });
    expect(project.read('notes.md')).toBe('# Not to be lost\n');
    expect((await plan('--format', format, '--out', 'notes.md', '--force')).code).toBe(0);
    expect(project.read('notes.md')).not.toContain('Not to be lost');
  },
);

test.each(['__proto__', 'constructor', 'toString'])('%s, which every object has, is no format', async (name) => {
  expect((await plan('--format', name, '--json')).json.error.code).toBe('PH1015');
  expect((await project.phase('check', '--format', name, '--json')).json.error.code).toBe('PH1015');
});
