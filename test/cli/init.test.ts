import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "@shop/Web App", "version": "2.1.0-rc.1"}' });
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

test('init --deploy kubernetes writes Jobs, a patch and a Containerfile, once', async () => {
  const { files } = await project.json('init', '--deploy', 'kubernetes');
  const written = ['Containerfile', 'migrate-job.yaml', 'finish-job.yaml', 'wait-patch.yaml'].map(
    (name) => `deploy/${name}`,
  );
  expect(files).toEqual(expect.arrayContaining(written));
  expect(files).toContain('deploy/run-job.sh');
  for (const file of written.slice(1)) {
    const [document] = parseAllDocuments(project.read(file));
    expect(document?.errors).toEqual([]);
    const object = document?.toJS();
    // Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    expect(object.metadata.name).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])$/);
    expect(JSON.stringify(object)).toContain('shop-web-app-phase:2.1.0-rc.1');
  }
  const [job] = parseAllDocuments(project.read('deploy/migrate-job.yaml'));
  expect(job?.toJS().spec.template.spec.containers[0].args).toEqual(['migrate', '--release', '2.1.0-rc.1']);
  const pod = job?.toJS().spec.template.spec;
  expect(pod.containers[0].env).toContainEqual({ name: 'PHASE_AUDIT_STORE', value: 'database' });
  expect(project.read('deploy/Containerfile')).toContain('ENTRYPOINT');
  project.write('deploy/Containerfile', '# mine');
  expect((await project.json('init', '--deploy', 'kubernetes')).files).toEqual([]);
  expect(project.read('deploy/Containerfile')).toBe('# mine');
});

/** Stands for kubectl: its Job has the states of a list, one for each time that it is asked; what it is told is written down. */
const KUBECTL = `#!/bin/sh
echo "$*" >> calls
case $1 in
  create) echo job.batch/shop ;;
  get) head -n 1 states; sed -i 1d states ;;
  logs) echo 'the logs' ;;
esac
`;

test.each([
  ['complete', ['', 'Job ', 'Job Complete '], 0, []],
  ['failed', ['', 'Job Failed '], 1, []],
  [
    'complete, where one that has failed is there from before',
    ['Job Failed ', 'Job ', 'Job Complete '],
    0,
    ['delete job.batch/shop --namespace shop --wait=true'],
  ],
  ['complete, where it runs already', ['Job ', 'Job Complete '], 0, []],
  ['deleted by somebody', ['', 'Job ', ''], 1, []],
])('the script runs a Job until it is %s', async (_, states, code, deleted) => {
  await project.json('init', '--deploy', 'kubernetes');
  project.write('bin/kubectl', KUBECTL);
  project.write('states', states.map((state) => `${state}\n`).join(''));
  chmodSync(join(project.root, 'bin/kubectl'), 0o755);
  const ran = spawnSync('sh', ['deploy/run-job.sh', 'deploy/migrate-job.yaml', '--namespace', 'shop'], {
    cwd: project.root,
    encoding: 'utf8',
    env: { PATH: `${join(project.root, 'bin')}:${process.env.PATH}`, POLL_SECONDS: '0' },
  });
  expect([ran.status, ran.stdout.includes('the logs')]).toEqual([code, states.at(-1) !== '']);
  const calls = project.read('calls').split('\n');
  expect(calls.filter((call) => call.startsWith('delete'))).toEqual(deleted);
  expect(calls).toContain('apply --namespace shop --filename deploy/migrate-job.yaml');
});

test('another platform is refused', async () => {
  const ran = await project.phase('init', '--deploy', 'nomad', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([2, 'PH1015']);
});

test.each([
  ['everything', '{ "compilerOptions": { "rootDir": "." } }', ['db', 'phase.config.ts', 'lib/tasks']],
  ['one folder, with a comment', '{ /* all of it */ "include": ["src"], }', []],
  ['all but what is excluded', '{ "exclude": ["db", "phase.config.ts"] }', ['lib/tasks']],
  ['other projects', '{ "files": [], "references": [{ "path": "./src" }] }', []],
])('init says what the build of a tsconfig that takes in %s would find', async (_what, tsconfig, taken) => {
  project.write('tsconfig.json', tsconfig);
  const { stderr } = await project.phase('init');
  expect(stderr.includes('tsconfig.json takes in')).toBe(taken.length > 0);
  if (taken.length > 0) expect(stderr).toContain(`takes in ${taken.join(', ')}, which`);
});
