import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { isCommitted, Network, type Passage, type WireMessage } from '../support/network.ts';
import { TestProject } from '../support/project.ts';

const CHANGE = `await dataChange('raise', { key: ['id'], pre: 'SELECT id, pay FROM people', change: 'UPDATE people SET pay = pay + 1 RETURNING id, pay', post: 'SELECT id, pay FROM people' });`;
const WHOLE = `export async function up(knex, { dataChange }) { ${CHANGE} }
export async function down(knex, { restoreFrom }) { await restoreFrom('raise', { table: 'people' }); }
`;
const OUTSIDE = `export const config = { transaction: false, safeToRepeat: true };
${WHOLE}`;

let database: TestDatabase;
let network: Network;
let project: TestProject;

beforeEach(async () => {
  database = await createDatabase();
  await database.sql(
    'CREATE TABLE people (id int PRIMARY KEY, pay int NOT NULL); INSERT INTO people SELECT n, n FROM generate_series(1, 3) AS n',
  );
  network = await Network.open(database.url);
  project = new TestProject(network.url);
  await project.json('init');
});

afterEach(async () => {
  await network.close();
  project.remove();
  await database.drop();
});

async function cutRelease(text: string): Promise<void> {
  project.write('package.json', '{"version": "1.0.0"}');
  project.write('db/data/20260101000000_raise.ts', text);
  await project.json('hash');
  await project.json('release', 'cut', '1.0.0');
}

/** Breaks at the answer to the COMMIT behind the statement that changed the people. */
function atCommitOfChange(passage: Passage, when: (message: WireMessage) => boolean): () => number {
  let isChanged = false;
  let cuts = 0;
  network.decide = (message) => {
    if (message.text.includes('UPDATE people')) isChanged = true;
    if (!isChanged || cuts > 0 || !when(message)) return 'on';
    cuts++;
    return passage;
  };
  return () => cuts;
}

const isCommit = ({ from, text }: WireMessage): boolean => from === 'client' && /^COMMIT\b/i.test(text);
const pays = async (): Promise<number[]> =>
  (await database.sql<{ pay: number }>('SELECT pay FROM people ORDER BY id')).map(({ pay }) => pay);
const attempts = () =>
  database.sql("SELECT outcome, error_code FROM phase.attempts WHERE migration LIKE '%raise' ORDER BY number");

test.each([
  ['in its transaction', WHOLE],
  ['outside of one', OUTSIDE],
])('the answer to COMMIT is lost on one connection, %s: the audits stay', async (_, text) => {
  await cutRelease(text);
  const cuts = atCommitOfChange('cut this', isCommitted);
  const ran = await project.phase('migrate', '--release', '1.0.0');
  expect(cuts()).toBe(1);
  if (ran.code !== 0) {
    expect(ran.stderr).toMatch(/PH5004/);
    await project.json('migrate', '--release', '1.0.0');
  }
  await project.json('audit', 'verify');
  expect(Object.keys(project.files()).filter((file) => file.endsWith('.partial'))).toEqual([]);
  expect((await attempts()).at(-1)).toEqual({ outcome: 'done', error_code: null });
});

test('all of the network breaks at the answer to COMMIT: the next run finds out, and what was written can be taken back', async () => {
  await cutRelease(WHOLE);
  const cuts = atCommitOfChange('cut all', isCommitted);
  const ran = await project.phase('migrate', '--release', '1.0.0');
  expect({ code: ran.code, cuts: cuts() }).toEqual({ code: 1, cuts: 1 });
  expect(await pays()).toEqual([2, 3, 4]);
  await project.json('migrate', '--release', '1.0.0');
  expect(await attempts()).toEqual([{ outcome: 'done', error_code: null }]);
  await project.json('audit', 'verify');
  await project.json('rollback', '--steps', '1');
  expect(await pays()).toEqual([1, 2, 3]);
});

test('COMMIT itself never arrives: it is rolled back, and nothing of the audits is left', async () => {
  await cutRelease(WHOLE);
  atCommitOfChange('cut this', isCommit);
  const ran = await project.phase('migrate', '--release', '1.0.0');
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain('PH5004');
  expect(await pays()).toEqual([1, 2, 3]);
  expect(Object.keys(project.files()).filter((file) => file.includes('audits/'))).toEqual([]);
  expect(await attempts()).toEqual([{ outcome: 'failed', error_code: 'PH5004' }]);
  await project.json('migrate', '--release', '1.0.0');
  expect(await pays()).toEqual([2, 3, 4]);
});
