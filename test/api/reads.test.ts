import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dryRun, plan, type RunEvent, status, wait } from '../../src/api/index.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
beforeAll(async () => {
  fixture = await renameFixture({ schema: 'CREATE TABLE users (id int PRIMARY KEY, old text)' });
});
afterAll(() => fixture.remove());

const options = () => ({ cwd: fixture.project.root, databaseUrl: fixture.database.url, env: {} });

test('what the functions give is what the commands print', async () => {
  const printed = await fixture.project.json('plan', '--to', R2);
  expect(JSON.parse(JSON.stringify(await plan({ ...options(), to: R2 })))).toEqual({ ...printed, refusal: null });
  const dry = await dryRun({ ...options(), release: R1 });
  expect(dry.script).toBe((await fixture.project.phase('migrate', '--release', R1, '--dry-run')).stdout);
  expect(await status({ ...options(), release: R1 })).toEqual(await fixture.project.json('status', '--release', R1));
});

test('a plan that would be refused is a plan, with the refusal beside it', async () => {
  // What nobody has observed may not pass a step that is held.
  await fixture.project.json('new', 'schema', 'unknown', '--release', '1.4.0', '--sql');
  await fixture.project.json('hash', '--no-replay');
  const { refusal, steps, stops } = await plan({ ...options(), from: '1.0.0', to: '1.4.0' });
  expect({ refusal, steps: steps.length, stops }).toMatchObject({
    refusal: { code: 'PH2004', exitCode: 4 },
    steps: 6,
    stops: [R3],
  });
});

test('that its time is over is no error; until then waiting tells what is missing', async () => {
  const late = await wait({ ...options(), release: R1, timeout: 0 });
  expect(late).toMatchObject({ ready: false, unreachable: null });
  expect(late.missing).toHaveLength(3);
  const events: RunEvent[] = [];
  let deployed: Promise<void> | undefined;
  const onEvent = (event: RunEvent): void => {
    events.push(event);
    deployed ??= fixture.deploy(R1);
  };
  const ready = await wait({ ...options(), release: R1, timeout: '1min', onEvent });
  await deployed;
  expect(ready).toEqual({ ready: true, missing: [], unreachable: null });
  expect(events[0]).toEqual({
    type: 'waiting',
    message: `waiting for ${late.missing.join(', ')}`,
    missing: late.missing,
  });
});

test('a server that is not there is told to who waits, and thrown to who asks', async () => {
  const nowhere = { ...options(), databaseUrl: 'postgres://nobody@127.0.0.1:1/none' };
  expect(await wait({ ...nowhere, release: R1, timeout: 0 })).toMatchObject({
    ready: false,
    unreachable: { code: 'PH5001' },
  });
  await expect(status(nowhere)).rejects.toMatchObject({ code: 'PH5001', exitCode: 1 });
});

test('figures are one document with one end', async () => {
  const { code, stdout } = await fixture.project.phase('status', '--format', 'openmetrics');
  expect({ code, phases: stdout.match(/^triphase_rename_phase.*$/m)?.[0], end: stdout.endsWith('\n# EOF\n') }).toEqual({
    code: 0,
    phases: 'triphase_rename_phase{rename="users_old_to_new",table="public.users"} 1',
    end: true,
  });
  for (const flag of ['--json', '--watch']) {
    expect((await fixture.project.phase('status', '--format', 'openmetrics', flag)).code).toBe(2);
  }
});
