import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Deployment } from 'kubernetes-models/apps/v1';
import { Job } from 'kubernetes-models/batch/v1';
import { parse, parseAllDocuments } from 'yaml';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject(undefined, { 'package.json': '{"name": "@shop/Web App", "version": "2.1.0-rc.1"}' });
});
afterEach(() => project.remove());

const written = async (platform: string): Promise<string[]> =>
  (await project.json('init', '--deploy', platform)).files.filter((path: string) => /^(deploy|\.github)\//.test(path));

/** By the schema of Kubernetes itself; that of the patch lacks what the Deployment that it is for has. */
function expectValid(text: string): void {
  for (const document of parseAllDocuments(text)) {
    expect(document.errors).toEqual([]);
    const object = document.toJS();
    if (object === null) continue;
    if (object.kind === 'Job') new Job(object).validate();
    else {
      const { spec } = object;
      const containers = [{ name: 'app', image: 'app' }];
      const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
      new Deployment({ ...object, spec: { selector: {}, ...spec, template } }).validate();
    }
  }
}

test('what Kubernetes gets is valid by its own schemas, which refuse another type', async () => {
  for (const path of (await written('kubernetes')).filter((name) => name.endsWith('.yaml'))) {
    expectValid(project.read(path));
  }
  expect(() => expectValid('apiVersion: batch/v1\nkind: Job\nspec: { backoffLimit: few }')).toThrow();
});

const helm = process.env.HELM ?? 'helm';
const hasHelm = spawnSync(helm, ['version']).status === 0;
(hasHelm ? test : test.skip)(
  `the chart gives valid Jobs (${hasHelm ? 'by' : 'skipped: there is no'} helm)`,
  async () => {
    await written('helm');
    const rendered = (...args: string[]) =>
      spawnSync(helm, ['template', 'shop', join(project.root, 'deploy/helm/phase'), ...args], { encoding: 'utf8' });
    const plain = rendered();
    expect(plain.stderr).toBe('');
    expectValid(plain.stdout);
    expect(plain.stdout.match(/^kind: Job$/gm)).toHaveLength(1);
    const finishing = rendered('--set', 'finish.enabled=true').stdout;
    expectValid(finishing);
    expect(finishing.match(/^kind: Job$/gm)).toHaveLength(2);
  },
);

test('the chart has what its templates ask for, and every block has its end', async () => {
  const paths = await written('helm');
  const values = parse(project.read('deploy/helm/phase/values.yaml'));
  expect(values).toMatchObject({ release: '2.1.0-rc.1', image: 'shop-web-app-phase:2.1.0-rc.1' });
  expect(parse(project.read('deploy/helm/phase/Chart.yaml'))).toMatchObject({ name: 'phase', apiVersion: 'v2' });
  for (const path of paths.filter((name) => name.includes('/templates/'))) {
    const text = project.read(path);
    const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
    expect(count(/\{\{-? (?:define|if|range|with)\b/g)).toBe(count(/\{\{-? end\b/g));
    expect(count(/\{\{/g)).toBe(count(/\}\}/g));
  }
});

test('compose: the application waits for a service that ends well, and finishing is asked for', async () => {
  await written('compose');
  const { services } = parse(project.read('deploy/compose.phase.yaml'), { merge: true });
  expect(services['phase-migrate']).toMatchObject({
    command: ['migrate', '--release', '2.1.0-rc.1'],
    build: { context: '.', dockerfile: 'deploy/Containerfile' },
    environment: { PHASE_AUDIT_STORE: 'database' },
    restart: 'no',
  });
  expect(services['phase-finish'].profiles).toEqual(['finish']);
});

test.each([
  ['npm', 'package-lock.json', 'npm ci --omit=dev --omit=optional'],
  ['pnpm', 'pnpm-lock.yaml', 'corepack enable && pnpm install --prod'],
  ['yarn', 'yarn.lock', 'corepack enable && yarn install --production'],
])('packages are installed by %s where its lock file is', async (_name, lock, install) => {
  project.write(lock, lock === 'package-lock.json' ? '{}' : '');
  await written('compose');
  expect(project.read('deploy/Containerfile')).toContain(`RUN ${install}`);
  await written('github');
  const { jobs, concurrency } = parse(project.read('.github/workflows/phase.yml'));
  const steps = jobs.phase.steps as { run?: string }[];
  expect(steps.some(({ run }) => run?.startsWith(install))).toBe(true);
  expect(concurrency['cancel-in-progress']).toBe(false);
  expect(jobs.phase.env.PHASE_AUDIT_STORE).toBe('database');
});

test.each(['fly', 'heroku'])('%s: scripts are POSIX, and audits outlive the machine', async (platform) => {
  const paths = await written(platform);
  const scripts = paths.filter((path) => path.endsWith('.sh'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const path of scripts) {
    const { status, stderr } = spawnSync('sh', ['-n', join(project.root, path)], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  }
  expect(paths.map((path) => project.read(path)).join('\n')).toMatch(/PHASE_AUDIT_STORE ?= ?"?database/);
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
(hasSystemd ? test : test.skip)(
  `units are what systemd reads (${hasSystemd ? 'verified' : 'skipped: there is no systemd-analyze'})`,
  async () => {
    const paths = await written('systemd');
    for (const path of paths.filter((name) => name.endsWith('.service'))) {
      // What the unit runs is not there, which is all that is said of it.
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(project.root, path)], {
        encoding: 'utf8',
      });
      const said = stderr
        .split('\n')
        .filter(
          (line) =>
            line.includes(path.split('/').at(-1) ?? '') && !/not executable|Failed to prepare filename/.test(line),
        );
      expect(said).toEqual([]);
    }
  },
);

test('a platform that there is not is refused with those that there are', async () => {
  const ran = await project.phase('init', '--deploy', 'nomad', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([2, 'PH1015']);
  expect(ran.json.error.why).toContain('helm, compose, github');
});

test('what is there is left alone', async () => {
  mkdirSync(dirname(join(project.root, '.github/workflows/phase.yml')), { recursive: true });
  writeFileSync(join(project.root, '.github/workflows/phase.yml'), '# mine');
  expect(await written('github')).toEqual([]);
  expect(project.read('.github/workflows/phase.yml')).toBe('# mine');
});
