import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

/** One migration of a release, which is cut. */
async function release(
  version: string,
  sql: string,
  options: { breaks?: string; folder?: 'data' } = {},
): Promise<string> {
  const id = await addMigration(project, version, `of_${version.replaceAll('.', '_')}`, sql, {
    ...options,
    replay: true,
  });
  await project.json('release', 'cut', version);
  return id;
}
const migrate = (version: string, ...flags: string[]) =>
  project.phase('migrate', '--release', version, '--json', ...flags);

test('a data step that fails in the middle of a jump: nothing later runs, and the same command finishes', async () => {
  const create = await release('1.0.0', 'CREATE TABLE t (id int); CREATE TABLE asked (id int)');
  const data = await release('1.1.0', 'INSERT INTO t SELECT 1 / id FROM asked', { folder: 'data' });
  const last = await release('1.2.0', 'ALTER TABLE t ADD COLUMN more int');
  await project.json('migrate', '--release', '1.0.0');
  await database.sql('INSERT INTO asked VALUES (0)');
  const failed = await migrate('1.2.0');
  expect(failed.code).toBe(1);
  expect(failed.json).toMatchObject({ applied: [], failed: { id: data, code: 'PH5005' } });
  expect((await project.json('status')).applied.map(({ id }: { id: string }) => id)).toEqual([create]);
  await database.sql('UPDATE asked SET id = 1');
  expect((await migrate('1.2.0')).json).toMatchObject({ applied: [data, last], failed: null });
});

test('a pod of the old release that restarts while a newer one has migrated is ready, and a broken one is not', async () => {
  await release('1.0.0', 'CREATE TABLE t (id int, old int)');
  await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  await release('1.1.0', 'ALTER TABLE t ADD COLUMN new int');
  await release('1.2.0', 'ALTER TABLE t DROP COLUMN old', { breaks: '<1.1.0' });
  expect((await migrate('1.2.0')).json.held).toHaveLength(1);
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    expect(await project.json('wait', '--release', version, '--timeout', '0')).toEqual({ ready: true, missing: [] });
  }
  await project.json('finish');
  const broken = await project.phase('wait', '--release', '1.0.0', '--timeout', '0', '--json');
  expect([broken.code, broken.json.error.code]).toEqual([4, 'PH2009']);
  const back = await migrate('1.0.0');
  expect([back.code, back.json.error.code]).toEqual([4, 'PH2009']);
});

test('a step passes a held one of another table, and waits for one of its own with the stop to make', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int); CREATE TABLE b (id int)');
  await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  const drop = await release('1.1.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.1.0' });
  const other = await release('1.2.0', 'ALTER TABLE b ADD COLUMN more int');
  const same = await release('1.3.0', 'ALTER TABLE a ADD COLUMN more int');
  const refused = await migrate('1.3.0');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2004']);
  expect(refused.json.error.details).toMatchObject({ step: same, held: drop, stops: ['1.2.0'] });
  const plan = await project.phase('plan', '--to', '1.3.0', '--json');
  expect(plan.json).toMatchObject({ stops: ['1.2.0'], forcedBy: [{ release: '1.2.0', id: same, heldId: drop }] });
  expect((await migrate('1.2.0')).json).toMatchObject({ applied: [other], held: [drop] });
  expect((await project.json('finish')).applied).toEqual([drop]);
  expect((await migrate('1.3.0')).json).toMatchObject({ applied: [same], held: [] });
});

test('--slow-roll takes a release at a time, also one whose steps are all held', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int); CREATE TABLE b (id int)');
  await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  const drop = await release('1.1.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.1.0' });
  const second = await release('1.2.0', 'ALTER TABLE b ADD COLUMN more int');
  const third = await release('1.3.0', 'ALTER TABLE a ADD COLUMN most int');
  const roll = async (...flags: string[]) => {
    const { code, json } = await migrate('1.3.0', '--slow-roll', ...flags);
    return [code, json.to, json.applied, json.held, json.remaining];
  };
  expect(await roll('--dry-run')).toEqual([3, '1.1.0', [], [drop], ['1.2.0', '1.3.0']]);
  expect(await roll()).toEqual([3, '1.1.0', [], [drop], ['1.2.0', '1.3.0']]);
  // Without a finish it goes on past what is held, as far as that may be passed.
  expect(await roll()).toEqual([3, '1.2.0', [second], [drop], ['1.3.0']]);
  expect((await migrate('1.3.0', '--slow-roll')).json.error.code).toBe('PH2004');
  await project.json('finish');
  expect(await roll()).toEqual([0, '1.3.0', [third], [], []]);
});

test('--slow-roll does not go back for what has come late below the release migrated to last', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int)');
  await release('1.2.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.2.0' });
  await project.json('migrate', '--release', '1.2.0');
  await project.json('finish');
  const hotfix = await release('1.1.5', 'ALTER TABLE a ADD COLUMN hot int');
  const third = await release('1.3.0', 'ALTER TABLE a ADD COLUMN more int');
  const fourth = await release('1.4.0', 'CREATE TABLE b (id int)');
  const goal = '1.5.0-rc.1';
  project.write('db/releases/1.5.0.yml', 'release: 1.5.0\nstate: open\n');
  for (const [code, to, applied] of [
    [3, '1.2.0', [hotfix]],
    [3, '1.3.0', [third]],
    // Nothing is to be done beyond it.
    [0, goal, [fourth]],
  ]) {
    const { code: ended, json } = await migrate(goal, '--slow-roll');
    expect([ended, json.to, json.applied]).toEqual([code, to, applied]);
    await project.json('finish');
  }
  expect(await project.json('status')).toMatchObject({ release: goal, confirmed: goal });
});

test('--slow-roll takes a release at a time in maintenance, too, and a pre-release as its own', async () => {
  const ids = [];
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    ids.push(await release(version, `CREATE TABLE t_${ids.length} (id int)`, { breaks: `<${version}` }));
  }
  for (const [index, version] of ['1.0.0', '1.1.0', '1.2.0-rc.1'].entries()) {
    const { code, json } = await migrate('1.2.0-rc.1', '--slow-roll', '--maintenance');
    expect([code, json.to, json.applied]).toEqual([index < 2 ? 3 : 0, version, [ids[index]]]);
  }
});

test('a plan begins at the lowest release that may be alive, confirmed or not', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int)');
  await project.json('migrate', '--release', '1.0.0');
  const drop = await release('1.1.0', 'ALTER TABLE a ADD COLUMN more int', { breaks: '<1.1.0' });
  const held = (await migrate('1.1.0')).json;
  expect([held.from, held.held]).toEqual(['1.0.0', [drop]]);
  const other = await release('1.2.0', 'CREATE TABLE b (id int)');
  const { from, steps } = (await project.phase('plan', '--to', '1.2.0', '--json')).json;
  const runnable = Object.fromEntries(steps.map((step: Record<string, unknown>) => [step.id, step.runnable]));
  expect([from, runnable[other], runnable[drop]]).toEqual(['1.0.0', ['1.0.0', '1.1.0', '1.2.0'], ['1.1.0', '1.2.0']]);
});

test('an empty database: what can run after each step of the way', async () => {
  const ids = [];
  for (const version of ['1.0.0', '1.1.0']) ids.push(await release(version, `CREATE TABLE t_${ids.length} (id int)`));
  const { from, steps } = (await project.phase('plan', '--to', '1.1.0', '--json')).json;
  expect([from, ...steps.map(({ runnable }: { runnable: string[] }) => runnable)]).toEqual([
    null,
    ['1.0.0'],
    ['1.0.0', '1.1.0'],
  ]);
});

test('a roll-out that was aborted after its migrate keeps what its instances need', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int)');
  await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  await release('1.1.0', 'ALTER TABLE a ADD COLUMN new int');
  const drop = await release('1.2.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.1.0' });
  await project.json('migrate', '--release', '1.2.0');
  // Back to 1.0.0, and then to 1.1.0 only.
  expect((await migrate('1.1.0')).json).toMatchObject({ applied: [], held: [] });
  expect((await project.json('finish')).applied).toEqual([]);
  expect((await migrate('1.2.0')).json).toMatchObject({ applied: [drop], held: [] });
});

test('a release that the application was rolled back to after a finish is alive again', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int)');
  await release('1.1.0', 'CREATE TABLE b (id int)');
  const drop = await release('1.2.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.1.0' });
  for (const version of ['1.0.0', '1.1.0']) {
    await project.json('migrate', '--release', version);
    await project.json('finish');
  }
  expect((await migrate('1.0.0')).code).toBe(0);
  expect((await migrate('1.2.0')).json).toMatchObject({ applied: [], held: [drop] });
  expect(await project.json('wait', '--release', '1.0.0', '--timeout', '0')).toMatchObject({ ready: true });
  expect((await project.json('finish')).applied).toEqual([drop]);
});

test('what is said to be running has to be a release that can run', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int, old int)');
  await release('1.1.0', 'ALTER TABLE a DROP COLUMN old', { breaks: '<1.1.0' });
  await project.json('migrate', '--release', '1.0.0');
  const mistyped = await migrate('1.1.0', '--running', '11.0.0');
  expect([mistyped.code, mistyped.json.error.code]).toEqual([2, 'PH1029']);
  const both = await migrate('1.1.0', '--running', '1.0.0', '--maintenance');
  expect([both.code, both.json.error.code]).toEqual([2, 'PH1015']);
  await project.json('migrate', '--release', '1.1.0', '--maintenance');
  const broken = await migrate('1.1.0', '--running', '1.0.0');
  expect([broken.code, broken.json.error.code]).toEqual([4, 'PH2009']);
  const back = await project.phase('plan', '--from', '1.1.0', '--to', '1.0.0', '--json');
  expect([back.code, back.json.error.code]).toEqual([4, 'PH2009']);
});

test('a dry run with --slow-roll shows one release', async () => {
  await release('1.0.0', 'CREATE TABLE a (id int)');
  await release('1.1.0', 'CREATE TABLE b (id int)');
  const { stdout } = await project.phase('migrate', '--release', '1.1.0', '--slow-roll', '--dry-run');
  expect([stdout.includes('CREATE TABLE a'), stdout.includes('CREATE TABLE b')]).toEqual([true, false]);
});

test.each([
  [
    'whose clock stepped back in between',
    `UPDATE phase.releases SET migrated_at = now() + interval '1 day', confirmed_at = now() + interval '1 day' WHERE release = '1.0.0'`,
  ],
  [
    'with a ledger of an earlier version',
    `ALTER TABLE phase.releases DROP COLUMN migrated_order, DROP COLUMN confirmed_order; ALTER TABLE phase.migrations DROP COLUMN manifest_sum;
     ALTER TABLE phase.audits DROP COLUMN along, DROP COLUMN beyond; ALTER TABLE phase.ledger DROP COLUMN search_path, DROP COLUMN target_schema; DROP TABLE phase.approvals;
     UPDATE phase.ledger SET format = 4`,
  ],
])('the release that was confirmed last is known on a server %s', async (_what, change) => {
  await release('1.0.0', 'CREATE TABLE t (id int, old int)');
  await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  await release('1.1.0', 'ALTER TABLE t ADD COLUMN new int');
  await project.json('migrate', '--release', '1.1.0');
  await project.json('finish');
  await database.sql(change);
  const drop = await release('1.2.0', 'ALTER TABLE t DROP COLUMN old', { breaks: '<1.1.0' });
  expect(await project.json('status')).toMatchObject({ confirmed: '1.1.0' });
  expect((await migrate('1.2.0')).json).toMatchObject({ applied: [drop], held: [] });
  const orders = await database.sql('SELECT release FROM phase.releases ORDER BY migrated_order');
  expect(orders.map((row) => row.release)).toEqual(['1.0.0', '1.1.0', '1.2.0']);
});

test('a manifest that migrations ran under, and that is opened and cut again as something else, is refused', async () => {
  await release('1.0.0', 'CREATE TABLE t (id int, old int)');
  await project.json('migrate', '--release', '1.0.0');
  const path = 'db/releases/1.0.0.yml';
  const before = project.read(path);
  project.write(path, before.replace('state: released', 'state: open').replace(/^sum: .*\n/m, ''));
  // An image that is older than the cut has it open.
  expect((await migrate('1.0.0')).code).toBe(0);
  await addMigration(project, '1.0.0', 'late', 'CREATE TABLE late ()');
  await project.json('release', 'cut', '1.0.0');
  expect(await migrate('1.0.0')).toMatchObject({
    code: 5,
    json: { error: { code: 'PH3006', why: expect.stringContaining('cut again') } },
  });
  expect(await database.sql(`SELECT to_regclass('late') AS late`)).toEqual([{ late: null }]);
  project.write(path, before);
  expect((await migrate('1.0.0')).code).toBe(0);
});
