import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

const BOM = '\uFEFF';
const SQL = 'CREATE TABLE t (id int);\n';

let database: TestDatabase;
let project: TestProject;

beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  project.write('package.json', '{"version": "1.0.0"}');
  await project.json('init');
});

afterEach(async () => {
  project.remove();
  await database.drop();
});

const release = async (): Promise<void> => {
  await project.json('hash', '--no-replay');
  await project.json('release', 'cut', '1.0.0');
};

test.each([
  ['comes', SQL, BOM + SQL],
  ['goes', BOM + SQL, SQL],
  ['and line endings come', SQL, BOM + SQL.replaceAll('\n', '\r\n')],
])('a byte order mark that %s after the release was cut is no edit, and the file runs', async (_, before, after) => {
  project.write('db/migrate/20260101000000_t.sql', before);
  await release();
  project.write('db/migrate/20260101000000_t.sql', after);
  await project.json('check', '--no-replay');
  await project.json('migrate', '--release', '1.0.0');
  expect(await database.sql('SELECT FROM t')).toEqual([]);
});

test('a checksum that was taken when the mark still counted holds', async () => {
  project.write('db/migrate/20260101000000_t.sql', BOM + SQL);
  await project.json('hash', '--no-replay');
  const earlier = createHash('sha256')
    .update(BOM + SQL)
    .digest('hex');
  project.write('db/releases/1.0.0.yml', project.read('db/releases/1.0.0.yml').replace(/[0-9a-f]{64}/, earlier));
  await project.json('release', 'cut', '1.0.0');
  await project.json('migrate', '--release', '1.0.0');
});

test('what was compiled from a released file is told from what was edited, with the way out', async () => {
  const source = `export const up = (knex: any) => knex.raw('CREATE TABLE t (id int)');\n`;
  project.write('db/migrate/20260101000000_t.ts', source);
  await release();
  project.delete('db/migrate/20260101000000_t.ts');
  project.write('db/migrate/20260101000000_t.js', source.replace(': any', ''));
  const refused = await project.phase('migrate', '--release', '1.0.0', '--json');
  expect([refused.code, refused.json.error]).toEqual([
    5,
    expect.objectContaining({
      code: 'PH3002',
      why: expect.stringContaining('compiled'),
      remedy: expect.stringContaining('bring the .ts file'),
    }),
  ]);
  project.delete('db/migrate/20260101000000_t.js');
  project.write('db/migrate/20260101000000_t.ts', source);
  await project.json('migrate', '--release', '1.0.0');
});

test('a migration imports by the aliases of tsconfig.json', async () => {
  project.write('tsconfig.json', '{ "compilerOptions": { "baseUrl": ".", "paths": { "@app/*": ["src/*"] } } }');
  project.write('src/names.ts', `export const table: string = 't';`);
  project.write(
    'db/migrate/20260101000000_t.ts',
    `import { table } from '@app/names';\nexport const up = (knex) => knex.raw('CREATE TABLE ?? (id int)', [table]);`,
  );
  await release();
  await project.json('migrate', '--release', '1.0.0');
  expect(await database.sql('SELECT FROM t')).toEqual([]);
});

const deep = (times: number): string => '['.repeat(times) + ']'.repeat(times);
const bomb = [
  'a0: &a0 [x, x, x, x, x, x, x, x, x]',
  ...Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`),
].join('\n');

test.each([
  ['aliases that multiply', `${bomb}\nrelease: 1.0.0\nstate: open\nmigrations: *a12\n`],
  ['lists in lists', `release: 1.0.0\nstate: open\nmigrations: ${deep(50_000)}\n`],
  [
    '20,000 entries that do not fit',
    `release: 1.0.0\nstate: open\nmigrations:\n${Array.from({ length: 20_000 }, (_, n) => `  - { id: x${n}, kind: foo }\n`).join('')}`,
  ],
])('a manifest with %s is refused by its code, in a few words', async (_, text) => {
  project.write('db/releases/1.0.0.yml', text);
  const { code, stderr } = await project.phase('migrate', '--release', '1.0.0');
  expect([code, stderr.slice(0, 6)]).toEqual([5, 'PH3005']);
  expect(stderr.length).toBeLessThan(2_000);
});
