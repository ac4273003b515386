import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { Network } from '../support/network.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { shadowCatalogue } from '../support/shadows.ts';

const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL DEFAULT 'x' UNIQUE CHECK (length(email) < 100), other int);
  CREATE INDEX users_low ON users (lower(email)); CREATE VIEW people AS SELECT upper(email) AS name FROM users;
  INSERT INTO users SELECT n, 'v' || n, n FROM generate_series(1, 100) AS n;
  CREATE TABLE pays (id varchar PRIMARY KEY, pay int NOT NULL, copy int); INSERT INTO pays SELECT 'p' || n, n FROM generate_series(1, 100) AS n`;

let database: TestDatabase;
let network: Network;
let project: TestProject;
/** Calls that went to a function or an operator of `public`, each with the statement before it. */
let caught: string[];

beforeEach(async () => {
  database = await createDatabase();
  await database.sql(SCHEMA);
  network = await Network.open(database.url);
  caught = [];
  const statements = new Map<number, string>();
  network.decide = ({ from, type, text, connection }) => {
    if (from === 'client' && (type === 'P' || type === 'Q'))
      statements.set(connection, text.replaceAll(/\s+/g, ' ').slice(0, 200));
    const [, shadow] = (from === 'server' && type === 'N' && /SHADOW ([^\0]*)/.exec(text)) || [];
    const call = `${shadow} by ${statements.get(connection)}`;
    if (shadow !== undefined && !caught.includes(call)) caught.push(call);
    return 'on';
  };
  project = new TestProject(network.url);
  await project.json('init');
});

afterEach(async () => {
  await network.close();
  project.remove();
  await database.drop();
});

async function data(name: string, release: string, text: string): Promise<void> {
  await project.json('new', 'data', name, '--release', release);
  project.write(Object.keys(project.files()).find((file) => file.endsWith(`_${name}.ts`)) ?? '', text);
  await project.json('hash', '--no-replay');
}

test('functions and operators that somebody made are never taken for those of PostgreSQL, from the wizard to the last phase', async () => {
  expect(await shadowCatalogue(database)).toBeGreaterThan(1_000);
  const releases = [R1, R2, R3].join(',');
  await project.json(
    'new',
    'rename-column',
    '--table',
    'users',
    '--from',
    'email',
    '--to',
    'mail',
    '--releases',
    releases,
    '--yes',
  );
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
  for (const release of [R1, R2, R3]) {
    await project.json('migrate', '--release', release, '--straggler-window', '0', '--dry-run');
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    await project.json('finish', '--straggler-window', '0');
    await project.json('status');
    await project.json('plan', '--to', release);
    await project.json('wait', '--release', release);
  }
  await project.json('check');
  await project.json('audit', 'verify');
  await project.json('rollback', '--steps', '3');
  expect(caught).toEqual([]);
});

test('what works on data calls none of them, and what the application wrote finds its own names', async () => {
  await shadowCatalogue(database);
  const query = `'SELECT id, pay FROM pays WHERE pay < 10'`;
  await data(
    'raise',
    R1,
    `
    export async function up(knex, { dataChange }) {
      await knex.raw("SELECT quote_ident('own'::name)");
      await dataChange('raise', { key: ['id'], pre: ${query}, change: 'UPDATE pays SET pay = pay + 1 WHERE pay < 10 RETURNING id, pay', post: 'SELECT id, pay FROM pays JOIN pre_keys USING (id)' });
    }
    export async function down(knex, { restoreFrom }) { await restoreFrom('raise', { table: 'pays' }); }`,
  );
  await data(
    'fill',
    R1,
    `
    export const config = { transaction: false, safeToRepeat: true };
    export async function up(knex, { backfill, inBatches, dataChange }) {
      await backfill({ table: 'pays', set: { copy: 'pay' }, where: 'copy IS DISTINCT FROM pay', exact: true });
      await inBatches({ table: 'pays' }, async (rows, trx) => { await trx.raw('SELECT ?::int', [rows.length]); });
      await dataChange('lower', { key: ['id'], pre: ${query}, change: 'UPDATE pays SET pay = pay - 1 WHERE pay < 10 RETURNING id, pay', post: 'SELECT id, pay FROM pays JOIN pre_keys USING (id)' });
    }
    export async function down(knex, { restoreFrom }) { await restoreFrom('lower', { table: 'pays' }); }`,
  );
  project.write(
    'lib/tasks/tmp/refill.mjs',
    `export async function run(_knex, { backfill }) { await backfill({ table: 'pays', set: { copy: '1' }, where: 'copy <> 1', workers: 2, walk: 'keys' }); }`,
  );
  await project.json('migrate', '--release', R1);
  await project.json('task', 'run', 'refill');
  await project.json('task', 'list');
  await project.json('audit', 'list');
  await project.json('rollback', '--steps', '2');
  const own = (call: string): boolean => call.includes('USING (id)');
  expect(caught.filter((call) => !own(call))).toEqual([
    expect.stringContaining(`quote_ident(name) by SELECT quote_ident('own'::name)`),
  ]);
});
