import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(async () => {
  project = new TestProject(undefined, {
    'package.json': '{"name": "shop", "version": "1.1.0"}',
    '.gitignore': '.phase\nevent.json\n',
  });
  await addMigration(project, '1.0.0', 'begin', 'CREATE TABLE users (id bigint PRIMARY KEY, email text);');
  await project.json('release', 'cut', '1.0.0');
  await project.json('dump');
  git('init', '-q', '-b', 'main');
  git('config', 'user.email', 'test@example.org');
  git('config', 'user.name', 'Test');
  commit('begin');
  git('checkout', '-q', '-b', 'work');
});
afterEach(() => project.remove());

const git = (...args: string[]): string => execFileSync('git', args, { cwd: project.root, encoding: 'utf8' });
const commit = (message: string) => {
  git('add', '-A');
  git('commit', '-q', '-m', message);
};

test('a comment says the short of it first, and each part of it below', async () => {
  await addMigration(
    project,
    '1.1.0',
    'good',
    'ALTER TABLE users ADD COLUMN name text;\n-- phase:down\nALTER TABLE users DROP COLUMN name;\n',
  );
  await project.json('dump');
  commit('good');
  const good = await project.phase('review', '--base', 'main');
  expect(good.code).toBe(0);
  expect(good.stdout).toMatch(/^<!-- triphase.*-->\n### ✅ Database migrations\n/);
  expect(good.stdout).toContain('| ✅ | Checks | nothing is wrong |');
  expect(good.stdout).toContain('| ✅ | What it does to the schema | 1 statement |');
  expect(good.stdout).toContain('| ✅ | Run on a clone, there and back | 1 migration ran, 1 of them back |');
  expect(good.stdout).toContain('ADD COLUMN "name" text');
  expect(good.stdout).toContain('1.0.0 to 1.1.0: 1 step');

  await addMigration(project, '1.1.0', 'bad', 'CREATE INDEX users_email ON users (email);');
  const bad = await project.phase('review', '--base', 'main', '--json');
  expect(bad.code).toBe(7);
  expect(bad.json.parts.map(({ title, state }: Record<string, string>) => [title, state])).toEqual([
    ['Checks', 'error'],
    ['What it does to the schema', 'ok'],
    ['Run on a clone, there and back', 'error'],
    ['Plan', 'ok'],
  ]);
});

test('what cannot be looked at is said, and is no success', async () => {
  await addMigration(project, '1.1.0', 'broken', 'ALTER TABLE nowhere ADD COLUMN name text;');
  commit('broken');
  const { code, stdout } = await project.phase('review', '--base', 'main');
  expect(code).toBe(7);
  expect(stdout).toContain('❌ | Run on a clone, there and back | PH5005');
  expect((await project.phase('review', '--base', 'nowhere')).stdout).toContain('PH1036');
});

/** What GitHub's API answers to comments, and what was asked of it. */
class Stand {
  readonly comments: { id: number; body: string; html_url: string }[] = [];
  readonly calls: string[] = [];
  status = 200;
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      this.calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.statusCode = request.method === 'GET' ? 200 : this.status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.#answer(request.method ?? '', request.url ?? '', body)));
    });
  });

  #answer(method: string, url: string, body: string): unknown {
    if (method === 'GET') {
      const page = Number(/[?&]page=(\d+)/.exec(url)?.[1]);
      return this.comments.slice((page - 1) * 100, page * 100);
    }
    if (this.status !== 200) return { message: 'Resource not accessible by integration' };
    const { body: text } = JSON.parse(body);
    const id = method === 'POST' ? this.comments.length + 1 : Number(url.split('/').at(-1));
    const comment = { id, body: text, html_url: `https://example.org/comments/${id}` };
    if (method === 'POST') this.comments.push(comment);
    else this.comments[id - 1] = comment;
    return comment;
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => void this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

test('each push updates the one comment, wherever it stands; a token that may only read is no failure', async () => {
  const stand = new Stand();
  const api = await stand.open();
  try {
    for (let id = 1; id <= 120; id++) stand.comments.push({ id, body: `somebody says ${id}`, html_url: '' });
    project.write('event.json', '{"pull_request": {"number": 7}}');
    project.env = {
      GITHUB_API_URL: api,
      GITHUB_REPOSITORY: 'shop/shop',
      GITHUB_TOKEN: 'secret-token',
      GITHUB_EVENT_PATH: `${project.root}/event.json`,
    };
    await addMigration(
      project,
      '1.1.0',
      'good',
      'ALTER TABLE users ADD COLUMN name text;\n-- phase:down\nALTER TABLE users DROP COLUMN name;\n',
    );
    await project.json('dump');
    commit('good');
    for (let push = 0; push < 2; push++) {
      const { stdout, stderr } = await project.phase('review', '--base', 'main', '--post', 'github');
      expect(stdout.trim()).toBe('https://example.org/comments/121');
      expect(stdout + stderr).not.toContain('secret-token');
    }
    expect(stand.comments).toHaveLength(121);
    expect(stand.calls.map((call) => call.split(' ')[0])).toEqual(['GET', 'GET', 'POST', 'GET', 'GET', 'PATCH']);
    stand.status = 403;
    const forked = await project.phase('review', '--base', 'main', '--post', 'github');
    expect([forked.code, forked.stderr]).toEqual([0, expect.stringContaining('may only read')]);
    expect(forked.stdout).toContain('### ✅ Database migrations');
    stand.status = 500;
    const failed = await project.phase('review', '--base', 'main', '--post', 'github', '--json');
    expect([failed.code, failed.json.error.code]).toEqual([1, 'PH5033']);
  } finally {
    stand.close();
  }
});

test('phase init --ci github writes a workflow whose steps are commands that there are, and --git the driver', async () => {
  const { files } = await project.json('init', '--ci', 'github', '--git');
  expect(files).toEqual(expect.arrayContaining(['.github/workflows/phase-review.yml', '.gitattributes']));
  const workflow = parse(project.read('.github/workflows/phase-review.yml'));
  expect(Object.keys(workflow.jobs)).toEqual(['review', 'environments', 'migrate', 'which', 'finish']);
  const steps: string[] = Object.values(workflow.jobs).flatMap((job) =>
    (job as { steps: { run?: string }[] }).steps.flatMap(({ run }) => run ?? []),
  );
  const commands = new Set(
    steps.flatMap((run) => [...run.matchAll(/phase (?:--[\w-]+ )*([a-z]+)/g)].map(([, command]) => command)),
  );
  expect([...commands].sort()).toEqual(['check', 'environments', 'finish', 'migrate', 'plan', 'review']);
  expect(workflow.jobs.migrate.needs).toBe('environments');
  expect(workflow.jobs.environments.if).toContain("vars.PHASE_MIGRATE == 'true'");
  expect(git('config', 'merge.phase.driver').trim()).toContain('merge-manifest %O %A %B %P');
  expect(project.read('.gitattributes')).toBe('db/releases/*.yml merge=phase\n');
  expect((await project.json('init', '--git')).files).toEqual([]);
});

test('the step that lists environments gives what the matrix reads', async () => {
  const config = JSON.parse(project.read('phase.config.json'));
  project.write(
    'phase.config.json',
    JSON.stringify({
      ...config,
      environments: {
        staging: { urlVariable: 'STAGING_URL', branch: 'main' },
        live: { urlVariable: 'LIVE_URL', branch: 'production', approvals: 1 },
      },
    }),
  );
  const { environments } = await project.json('environments', '--branch', 'main');
  expect(environments).toEqual([
    {
      name: 'staging',
      branch: 'main',
      urlVariable: 'STAGING_URL',
      development: false,
      forwardOnly: false,
      approvals: 0,
    },
  ]);
  expect((await project.phase('environments')).stdout).toContain('approvals 1');
});
