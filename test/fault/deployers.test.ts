import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

const RELEASES = ['1.0.0', '1.1.0', '1.2.0'];
let database: TestDatabase;
let project: TestProject;
let ids: string[];
/** Each migration notes that it ran, and who was there at that moment. */
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql('CREATE TABLE ran (n serial, id text, runner text); CREATE TABLE there (id text)');
  ids = [];
  for (const [index, release] of RELEASES.entries()) {
    for (let step = 0; step < 4; step++) {
      const id = ids.length;
      const slow = `INSERT INTO there VALUES ('${id}'); SELECT pg_sleep(0.05); DELETE FROM there WHERE id = '${id}';`;
      const note = `INSERT INTO ran (id, runner) SELECT '${id}', current_setting('application_name');`;
      ids.push(
        await addMigration(project, release, `step_${index}_${step}`, `${slow} ${note}`, {
          folder: step % 2 ? 'data' : 'migrate',
        }),
      );
    }
    await project.json('release', 'cut', release);
  }
  project.write('phase.config.json', '{"release": "1.2.0", "runnerLockTimeout": "60s"}');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

interface Deployer {
  readonly process: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string }>;
}

function deploy(): Deployer {
  const child = spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), 'migrate', '--json'], {
    cwd: project.root,
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  return { process: child, ended: new Promise((done) => child.on('exit', (code) => done({ code, stdout }))) };
}

const ranIds = async () => (await database.sql('SELECT id::int AS id FROM ran ORDER BY n')).map(({ id }) => id);
const applied = (stdout: string): string[] => JSON.parse(stdout).applied;

test.each([2, 10])('%i deployers at once run each migration once, in order, one after the other', async (count) => {
  const ended = await Promise.all(Array.from({ length: count }, () => deploy().ended));
  expect(ended.map(({ code }) => code)).toEqual(Array(count).fill(0));
  // The whole plan belongs to one of them, since it keeps the lock.
  expect(ended.map(({ stdout }) => applied(stdout)).filter((list) => list.length > 0)).toEqual([ids]);
  expect(await ranIds()).toEqual(ids.map((_id, index) => index));
});

test('one of ten deployers is killed while it runs: another goes on, and each migration has run once', async () => {
  const victim = deploy();
  while ((await ranIds()).length < 1) await new Promise((done) => setTimeout(done, 5));
  const others = Array.from({ length: 9 }, deploy);
  while ((await ranIds()).length < 3) await new Promise((done) => setTimeout(done, 5));
  victim.process.kill('SIGKILL');
  const ended = await Promise.all(others.map((deployer) => deployer.ended));
  expect(ended.map(({ code }) => code)).toEqual(Array(9).fill(0));
  const [rest, ...more] = ended.map(({ stdout }) => applied(stdout)).filter((list) => list.length > 0);
  expect(more).toEqual([]);
  expect(rest).toEqual(ids.slice(-(rest?.length ?? 0)));
  expect(await ranIds()).toEqual(ids.map((_id, index) => index));
  expect((await project.json('status')).applied.map(({ id }: { id: string }) => id)).toEqual(ids);
});
