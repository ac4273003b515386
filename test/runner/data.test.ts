import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { toFormat1 } from '../../src/ledger/formats/format-1.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(`CREATE TABLE t (id int PRIMARY KEY, value text); INSERT INTO t VALUES (1, 'a'), (2, 'b')`);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

/** Writes a data migration into release 1.0.0; gives its id. */
async function migration(name: string, text: string): Promise<string> {
  await project.json('new', 'data', name, '--release', '1.0.0');
  const path = Object.keys(project.files()).find((file) => file.endsWith(`_${name}.ts`)) ?? '';
  project.write(path, text);
  await project.json('hash', '--no-replay');
  return path.replace(/.*\/|\.ts$/g, '');
}
const migrate = () => project.phase('migrate', '--release', '1.0.0', '--json');
const CHANGE = `{ key: 'id', pre: 'SELECT * FROM t', change: "UPDATE t SET value = 'x' RETURNING id", post: 'SELECT t.* FROM t JOIN pre_keys USING (id)' }`;

test('a data migration sees one snapshot, a schema migration each committed change; both can say otherwise', async () => {
  const level = `knex.raw("INSERT INTO levels SELECT current_setting('transaction_isolation')")`;
  await database.sql('CREATE TABLE levels (level text)');
  await migration('usual', `export const up = (knex) => ${level};`);
  await migration(
    'other',
    `export const config = { isolation: 'serializable' }; export const up = (knex) => ${level};`,
  );
  expect((await migrate()).code).toBe(0);
  expect(await database.sql('SELECT level FROM levels ORDER BY 1')).toEqual([
    { level: 'repeatable read' },
    { level: 'serializable' },
  ]);
  await migration('wrong', `export const config = { isolation: 'chaos' }; export const up = () => undefined;`);
  expect((await migrate()).json.error.code).toBe('PH3014');
});

test('a migration that fails after its data change leaves no audit, and has one after it is mended', async () => {
  const text = (rest: string) =>
    `export const up = async (knex, { dataChange }) => { await dataChange('change', ${CHANGE}); ${rest} };`;
  const id = await migration('change', text(`await knex.raw('SELECT 1 / 0');`));
  expect((await migrate()).json.failed).toMatchObject({ id, code: 'PH5005' });
  expect(Object.keys(project.files()).filter((file) => file.startsWith('db/audits'))).toEqual([]);
  expect(await database.sql('SELECT value FROM t ORDER BY id')).toEqual([{ value: 'a' }, { value: 'b' }]);
  project.write(`db/data/${id}.ts`, text(''));
  await project.json('hash');
  expect((await migrate()).json.applied).toEqual([id]);
  expect((await project.json('audit', 'verify')).audits).toHaveLength(3);
});

test('a change that committed before its migration failed is not made again, and is taken back as it was', async () => {
  const config = 'export const config = { transaction: false, safeToRepeat: true };';
  const text = (rest: string) =>
    `${config} export const up = async (knex, { dataChange }) => { await dataChange('change', ${CHANGE}); ${rest} };
     export const down = (_knex, { restoreFrom }) => restoreFrom('change', { table: 't' });`;
  const id = await migration('change', text(`throw new Error('later');`));
  const failed = await migrate();
  expect(failed.json.error.why).toContain('what it did before stays');
  project.write(`db/data/${id}.ts`, text(''));
  await project.json('hash', '--no-replay');
  expect((await migrate()).json).toMatchObject({ applied: [id] });
  expect((await project.json('audit', 'list')).audits).toHaveLength(3);
  await database.sql(`UPDATE t SET value = 'mine' WHERE id = 2`);
  expect((await project.phase('rollback', '--steps', '1', '--json')).json.error.code).toBe('PH5019');
  await database.sql(`UPDATE t SET value = 'x' WHERE id = 2`);
  await project.json('rollback', '--steps', '1');
  expect(await database.sql('SELECT value FROM t ORDER BY id')).toEqual([{ value: 'a' }, { value: 'b' }]);
});

test.each([
  ['a dataChange that nobody waits for', `(_knex, { dataChange }) => { dataChange('change', ${CHANGE}); }`, 'PH5022'],
  [
    'an option that is misspelt',
    `(_knex, { dataChange }) => dataChange('change', { ...${CHANGE}, redacted: ['value'] })`,
    'PH5023',
  ],
  [
    'a word that it does not know',
    `(_knex, { restoreFrom }) => restoreFrom('change', { table: 't', conflicts: 'Skip' })`,
    'PH5023',
  ],
])('a migration with %s is not entered', async (_what, up, code) => {
  await migration('change', `export const up = ${up};`);
  expect((await migrate()).json.failed.code).toBe(code);
  expect(await database.sql('SELECT value FROM t ORDER BY id')).toEqual([{ value: 'a' }, { value: 'b' }]);
  expect((await project.json('status')).applied).toEqual([]);
  expect((await project.json('audit', 'list')).audits).toEqual([]);
});

test('a backfill that nobody waits for is found, too', async () => {
  const config = 'export const config = { transaction: false, safeToRepeat: true };';
  const backfill = `backfill({ table: 't', set: { value: "'x'" }, where: "value <> 'x'" });`;
  const id = await migration('change', `${config} export const up = (_knex, { backfill }) => { ${backfill} };`);
  expect((await migrate()).json.failed).toMatchObject({ id, code: 'PH5022' });
});

test('a serialization failure runs the whole migration again, with one audit in the end', async () => {
  const id = await migration(
    'change',
    `let tries = 0;
     export const up = async (knex, { dataChange }) => {
       if (tries++ === 0) { await knex.raw('SELECT 1 FROM t'); await knex.raw("DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''40001''; END'"); }
       await dataChange('change', ${CHANGE});
     };`,
  );
  expect((await migrate()).json).toMatchObject({ applied: [id], failed: null });
  expect((await project.json('audit', 'list')).audits).toHaveLength(3);
});

test('a backfill in a transaction is refused with what to write instead', async () => {
  await migration(
    'fill',
    `export const up = (_knex, { backfill }) => backfill({ table: 't', set: { value: "'x'" }, where: "value <> 'x'" });`,
  );
  expect((await migrate()).json.error.message).toContain('transaction: false');
});

test('a dry run prints a data change as statements that psql takes', async () => {
  await migration(
    'change',
    `export const up = (_knex, { dataChange }) => dataChange('c', { key: 'id', pre: 'SELECT * FROM t', change: { sql: 'UPDATE t SET value = $1 RETURNING id', values: ["it's"] } });`,
  );
  const { statements } = await project.json('migrate', '--release', '1.0.0', '--dry-run');
  expect(statements).toContain('PREPARE phase_change AS UPDATE t SET value = $1 RETURNING id');
  expect(statements).toContain(`EXECUTE phase_change('it''s')`);
  expect(Object.keys(project.files()).filter((file) => file.startsWith('db/audits'))).toEqual([]);
});

test('a ledger of format 1 is brought up to date, with what it holds', async () => {
  await database.sql(
    `${toFormat1('phase')}; INSERT INTO phase.ledger (format, served_before) VALUES (1, true); INSERT INTO phase.releases VALUES ('0.9.0', now(), now())`,
  );
  const id = await migration('change', `export const up = (_knex, { dataChange }) => dataChange('c', ${CHANGE});`);
  expect((await project.json('audit', 'list')).audits).toEqual([]);
  expect((await migrate()).json.applied).toEqual([id]);
  const [ledger] = await database.sql('SELECT format, served_before, length(audit_key) AS key FROM phase.ledger');
  expect(ledger).toEqual({ format: 8, served_before: true, key: 32 });
});

test('audits that could not be written are found before the first step, and the database keeps them instead', async () => {
  await database.sql('CREATE TABLE pays (id int PRIMARY KEY, n int); INSERT INTO pays VALUES (1, 1)');
  await project.json('new', 'schema', 'first', '--sql', '--release', '1.0.0');
  await migration(
    'raise',
    `export async function up(_knex, { dataChange }) {
      await dataChange('raise', { key: 'id', pre: 'SELECT * FROM pays', change: 'UPDATE pays SET n = 2 RETURNING *', post: 'SELECT * FROM pays' });
    }`,
  );
  project.write('db/audits', 'a file where the folder has to be');
  const refused = await migrate();
  expect([refused.code, refused.json.error.code]).toEqual([1, 'PH5025']);
  expect(await database.sql(`SELECT to_regclass('phase.ledger')::text AS ledger`)).toEqual([{ ledger: null }]);
  project.env = { PHASE_AUDIT_STORE: 'database' };
  expect((await migrate()).json.applied).toHaveLength(2);
  expect((await project.json('audit', 'list')).audits.map(({ store }: { store: string }) => store)).toEqual(
    Array(3).fill('database'),
  );
  project.env = { PHASE_AUDIT_STORE: 'disk' };
  expect((await migrate()).json.error).toMatchObject({
    code: 'PH1003',
    message: expect.stringContaining('PHASE_AUDIT_STORE'),
  });
});
