import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { finish, migrate, type RunEvent, rollback } from '../../src/api/index.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
beforeAll(async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, 'a')`,
  });
});
afterAll(() => fixture.remove());

const options = (onEvent?: (event: RunEvent) => void) => ({
  cwd: fixture.project.root,
  databaseUrl: fixture.database.url,
  env: {},
  ...(onEvent ? { onEvent } : {}),
});

/** What was told, without what varies. */
function listening(): { events: RunEvent[]; onEvent: (event: RunEvent) => void } {
  const events: RunEvent[] = [];
  return { events, onEvent: (event) => events.push(event) };
}

test('a run tells each step, and its end, as what it gives', async () => {
  const { events, onEvent } = listening();
  const result = await migrate({ ...options(onEvent), release: R1 });
  const ids = result.applied;
  expect(result).toMatchObject({ from: null, to: R1, held: [], failed: null, remaining: [] });
  expect(events.filter(({ type }) => type === 'stepStarted').map((event) => 'id' in event && event.id)).toEqual(ids);
  const done = events.filter((event) => event.type === 'stepDone');
  expect(done).toEqual(
    ids.map((id) => ({
      type: 'stepDone',
      id,
      kind: id.endsWith('backfill') ? 'data' : 'schema',
      release: R1,
      rename: 'users_old_to_new',
      phase: 1,
      direction: 'up',
      durationMs: expect.any(Number),
    })),
  );
  expect(events.some(({ type }) => type === 'progress')).toBe(true);
  const { failed, ...told } = result;
  expect(events.at(-1)).toEqual({ type: 'migrated', command: 'migrate', ...told });
});

test('a gate that refuses is told, thrown with what had run, and does not keep the next try from it', async () => {
  await migrate({ ...options(), release: R2 });
  await fixture.database.sql(`UPDATE users SET old = 'late'`);
  const { events, onEvent } = listening();
  await migrate({ ...options(onEvent), release: R3 });
  const [held] = events.filter((event) => event.type === 'held');
  expect(held).toMatchObject({ kind: 'schema', release: R3, rename: 'users_old_to_new', phase: 3 });

  const refused = listening();
  const error = await finish({ ...options(refused.onEvent), stragglerWindow: '10min' }).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'PH2006', exitCode: 4 });
  expect(error.result).toMatchObject({
    to: R3,
    applied: [],
    failed: { id: held && 'id' in held && held.id, code: 'PH2006' },
  });
  expect(refused.events.map(({ type }) => type)).toEqual([
    'stepStarted',
    'gateStarted',
    'gateRefused',
    'stepFailed',
    'failed',
  ]);
  expect(refused.events.at(-1)).toMatchObject({
    command: 'finish',
    release: R3,
    id: error.result.failed.id,
    done: [],
    error,
  });
  expect(JSON.parse(JSON.stringify(refused.events.at(-1)))).toMatchObject({
    error: { code: 'PH2006', remedy: error.remedy },
  });

  const passed = listening();
  expect(await finish({ ...options(passed.onEvent), stragglerWindow: 0 })).toMatchObject({
    applied: [error.result.failed.id],
  });
  expect(passed.events.map(({ type }) => type)).toEqual([
    'stepStarted',
    'gateStarted',
    'gatePassed',
    'stepDone',
    'migrated',
  ]);
});

test('undoing tells its steps, and why it stopped', async () => {
  const { events, onEvent } = listening();
  const { reverted } = await rollback(options(onEvent));
  // The old column is filled again.
  expect(events.filter(({ type }) => type !== 'progress')).toEqual([
    expect.objectContaining({ type: 'stepStarted', id: reverted[0], direction: 'down' }),
    expect.objectContaining({ type: 'stepDone', id: reverted[0], direction: 'down' }),
  ]);
  const refused = listening();
  await expect(rollback({ ...options(refused.onEvent), to: 'nowhere' })).rejects.toMatchObject({ code: 'PH1016' });
  expect(refused.events).toEqual([
    expect.objectContaining({ type: 'failed', command: 'rollback', release: null, id: null, done: [] }),
  ]);
});

test('a listener that fails, at once or later, stops nothing, and is a warning', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  try {
    const throwing = () => {
      throw new Error('chat is down');
    };
    const later = async () => Promise.reject(new Error('chat is still down'));
    expect(await finish({ ...options(throwing), stragglerWindow: 0 })).toMatchObject({ failed: null });
    await rollback(options(later));
    expect(new Set(warn.mock.calls.map(([message]) => message))).toEqual(
      new Set(['chat is down', 'chat is still down'].map((text) => `A listener to events of triphase failed: ${text}`)),
    );
  } finally {
    warn.mockRestore();
  }
});

test.each([
  [{ realease: '1.0.0' }, ['realease is not a key']],
  [{ release: 2 }, ['release: takes a version such as 1.2.0']],
  [
    { stragglerWindow: 'soon' },
    ['stragglerWindow: takes a number of seconds, or a duration such as 500ms, 30s, 10min or 2h'],
  ],
  [{ maintenance: true, running: '1.0.0' }, ['running: goes without maintenance']],
  [['1.0.0'], ['takes keys with their values, and no list']],
])('what migrate does not take is refused before anything is looked at: %j', async (given, problems) => {
  const error = await migrate(given as object).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'PH1032', details: { call: 'migrate', problems } });
});

test('a release that is none is refused as by the command line', async () => {
  await expect(migrate({ ...options(), release: 'soon' })).rejects.toMatchObject({ code: 'PH1006' });
});
