import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "app", "version": "1.0.0"}' });
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

/** The commands of a section, in the order of its blocks. */
function commandsOf(section: number): string[] {
  const page = readFileSync(join(repository, 'docs/quick-start.md'), 'utf8').split(/^## /m)[section] ?? '';
  const blocks = [...page.matchAll(/^```\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, ''))
      .filter(Boolean),
  );
}

/** The package is here already, and so is a server. */
const NOT_HERE = /^npm |phase db (?:start|stop)/;

async function carryOut(commands: readonly string[]): Promise<number> {
  let ran = 0;
  for (const command of commands.filter((line) => !NOT_HERE.test(line))) {
    ran++;
    const sql = /^psql \$DATABASE_URL -c "(.*)"$/.exec(command)?.[1];
    if (sql !== undefined) {
      await database.sql(sql);
      continue;
    }
    const args = command.replace(/^npx phase /, '').split(' ');
    // What was written a moment ago counts as a write of a release that is gone.
    const isPhase3 = args[0] === 'finish' ? ['--straggler-window', '0'] : [];
    const { code, stdout, stderr } = await project.phase(...args, ...isPhase3);
    expect(`${command}: ${code} ${code === 0 ? '' : stdout + stderr}`).toBe(`${command}: 0 `);
  }
  return ran;
}

test('the quick start does what it says', async () => {
  expect(await carryOut(commandsOf(0))).toBeGreaterThan(10);
  const columns = await database.sql(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  expect(columns.map(({ name }) => name)).toEqual(['id', 'email_address']);
});

test('that of a project of knex, too', async () => {
  project.write(
    'migrations/20200101000000_users.js',
    `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.increments('id'); t.text('email').unique(); }); exports.down = () => {};`,
  );
  project.write('knexfile.js', `module.exports = { client: 'pg' };`);
  const knex = makeKnex({
    client: 'pg',
    connection: database.url,
    migrations: { directory: `${project.root}/migrations` },
  });
  await knex.migrate.latest();
  await knex('users').insert({ email: 'ada@example.org' });
  await knex.destroy();
  const commands = commandsOf(1);
  expect(commands).toHaveLength(5);
  expect(await carryOut(commands)).toBe(4);
  expect(await database.sql('SELECT email, email_address FROM users')).toEqual([
    { email: 'ada@example.org', email_address: 'ada@example.org' },
  ]);
});
