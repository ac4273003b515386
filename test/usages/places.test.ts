import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findUsages } from '../../src/usages/find.ts';
import { repository } from '../support/bookshop.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject(undefined, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  symlinkSync(join(repository, 'node_modules'), join(project.root, 'node_modules'));
});
afterEach(() => project.remove());

const MANIFESTS = [{ migrations: [{ touches: ['public.users', 'public.orders', 'public.suppliers'] }] }] as never;

/** Each line that names the column says by a mark how sure it is: `sure`, `likely`, `by_name`; `none` for one that is no usage. */
async function wrongIn(file: string, text: string, column = 'email'): Promise<string[]> {
  project.write(file, text);
  const usages = await findUsages(
    { root: project.root, files: [], manifests: MANIFESTS },
    { from: column, table: { name: 'users' } },
  );
  const said = new Map(usages.filter((one) => one.file === file).map(({ line, certainty }) => [line, certainty]));
  return text.split('\n').flatMap((line, at) => {
    const [, mark] = /(?:\/\/|--|\/\*) (sure|likely|by_name|none)\b/.exec(line) ?? [];
    const found = said.get(at + 1) ?? 'none';
    return mark === undefined || mark === found ? [] : [`${found}: ${line}`];
  });
}

test.each([
  [
    'a constant names the table',
    `const TABLE = 'users';
const T = { users: 'users', orders: 'orders' };
export const a = (db, x) => db(TABLE).where('email', x); // sure
export const b = (db, x) => db(T.users).where('email', x); // sure
export const c = (db, x) => db(T.orders).where('email', x); // by_name
export const d = (db, x) => db(IMPORTED).where('email', x); // likely`,
  ],
  [
    'a part of a statement belongs to the query around it',
    `export const a = (db, x) => db('users').whereRaw('lower(email) = ?', [x]); // sure
export const b = (db, x) => db('orders').whereRaw('lower(email) = ?', [x]); // by_name
export const c = (db) => db('users as u').select(db.raw('count(DISTINCT u.email) FILTER (WHERE u.email IS NOT NULL) AS n')); // sure
export const d = (db, x) => db.selectFrom('users').selectAll().where(sql\`lower(email)\`, '=', x); // sure`,
  ],
  [
    'a table that is computed may be it',
    `const users = 1;
export const a = (db, x) => db.raw(\`SELECT id FROM \${table()} WHERE email = ?\`, [x]); // likely
export const b = (db, x) => db.raw('SELECT id FROM ?? WHERE email = ?', ['users', x]); // likely
const TABLE = 'users';
export const c = (db, x) => db.raw(\`SELECT id FROM \${TABLE} WHERE email = ?\`, [x]); // sure`,
  ],
  [
    'an alias outside its query may be it',
    `const COLUMNS = ['u.id', 'u.email']; // likely
export const a = (db) => db('users as u').select(COLUMNS);
export const b = (db) => db('users as u').join('orders as o', 'o.user_id', 'u.id').select('o.email'); // by_name`,
  ],
  [
    'statements in several parts',
    `export const a = (pg, id) => pg.query('SELECT id, email ' + 'FROM users WHERE id = $1', [id]); // sure
export const b = (pg, id) => pg.query('SELECT id, email ' + 'FROM orders WHERE id = $1', [id]); // by_name
export const c = (pg, id) => pg.query(['SELECT id, email', 'FROM users WHERE id = $1'].join(' '), [id]); // sure`,
  ],
  [
    'what WITH, a subquery and ON CONFLICT pass on',
    `export const a = (pg) => pg.query('WITH c AS (SELECT * FROM users) SELECT c.email FROM c'); // sure
export const b = (pg) => pg.query('WITH c AS (SELECT * FROM orders) SELECT c.email FROM c'); // by_name
export const c = (pg) => pg.query('SELECT c.email FROM (SELECT * FROM users) AS c'); // sure
export const d = (pg, v) => pg.query('INSERT INTO users VALUES ($1) ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email', v); // sure
export const e = (pg, v) => pg.query('INSERT INTO orders VALUES ($1) ON CONFLICT (email) DO NOTHING', v); // by_name`,
  ],
  [
    'what WITH of a query builder passes on, and a table with an alias that is put together',
    `const TABLE = 'users';
export const a = (db) => db.with('seen', db('users')).select('seen.email').from('seen'); // sure
export const b = (db) => db.with('seen', db('orders')).select('seen.email').from('seen'); // by_name
export const c = (db) => db(\`\${TABLE} as u\`).select('u.email'); // sure
export const d = (db) => db(TABLE + ' as u').select('u.email'); // sure
export const e = (pg) => pg.query('SELECT u.email FROM users u UNION SELECT o.email FROM orders o'); // sure
export const f = (db, args) => db('users').where((qb) => (args.email ? qb.whereNotNull('id') : qb)); // by_name`,
  ],
  [
    'arguments that are no tables',
    `import { userRepository } from './db.ts';
export const a = (id, email) => userRepository.update(id, { email }); // sure
export const b = (dir, row) => join(dir, row.email); // likely
export const c = (db, row) => db('users').insert(row).onConflict('email').merge(); // sure`,
  ],
  [
    'a query builder of TypeORM',
    `export const a = (ds, x) => ds.getRepository(User).createQueryBuilder('u').where('u.email = :x', { x }); // sure
export const b = (ds, x) => ds.getRepository(Order).createQueryBuilder('o').where('o.email = :x', { x }); // by_name`,
  ],
  [
    'lines below a hole of several lines, and of escapes',
    `export const a = (ids, x) => sql\`SELECT id FROM users WHERE id = ANY(\${ids.map(
    (id) => id,
  )})
  AND email = \${x}\`; // sure
export const b = (pg) => pg.query('SELECT id\\nFROM users\\nWHERE email = $1'); // sure`,
  ],
  [
    'a query over two tables, line by line',
    `export const a = \`SELECT
   u.email AS a, /* sure */
   o.email AS b /* by_name */
 FROM users u JOIN orders o ON o.user_id = u.id\`;`,
  ],
  [
    'the inner query',
    `export const a = (db, x) => db('users').whereIn('id', db('orders').select('user_id').where('email', x)); // by_name
export const b = (db, x) => db('orders').whereIn('user_id', db('users').select('id').where('email', x)); // sure
export const c = (db, x) => db('users').whereExists((qb) => qb.from('orders').where('email', x)); // by_name`,
  ],
  [
    'types beside the one of the table',
    `export interface Users { email: string } // likely
export interface NewUser { email: string } // likely
export interface Orders { email: string } // by_name`,
  ],
  [
    'a query that a variable holds',
    `export function clear(db, user) {
  const query = db('orders');
  query.where('user_id', user.id);
  query.update({ email: null }); // by_name
  const own = db('users');
  own.where('email', null); // sure
}
export function other(db) {
  const one = two.clone();
  const two = one.clone();
  two.where('email', null); // likely
  const later = db('orders');
  later.where('email', null); // by_name
}`,
  ],
  [
    'what somebody has sent',
    `import { User } from './user.ts';\nexport const a = (req) => { const { email } = req.body; }; // by_name`,
  ],
])('%s', async (_what, text) => {
  expect(await wrongIn('src/code.ts', text)).toEqual([]);
});

test('a word in a text, or a folder, does not make a file one about the table', async () => {
  const schema = `export const newsletter = { description: 'Goes to all users who asked.',
  properties: { email: { type: 'string' } } }; // by_name`;
  expect(await wrongIn('src/newsletter.ts', schema)).toEqual([]);
  expect(
    await wrongIn('src/users/button.tsx', 'export const Button = () => <Input style={{ email: 1 }} />; // by_name'),
  ).toEqual([]);
  expect(await wrongIn('src/user.ts', 'export const a = { email: 1 }; // likely')).toEqual([]);
});

test('names in camel case, in code and in what is quoted', async () => {
  const text = `export const a = (ds, x) => ds.getRepository(User).createQueryBuilder('u').where('u.seenAt > :x', { x }); // sure
export const b = (user) => user.seenAt; // sure
export const c = (pg) => pg.query('SELECT seen_at FROM users'); // sure`;
  expect(await wrongIn('src/code.ts', text, 'seen_at')).toEqual([]);
});

test('a file of SQL is read statement by statement, with the parameters and the marks that tools have', async () => {
  expect(
    await wrongIn('src/a.sql', 'SELECT email FROM users; -- sure\nSELECT email FROM orders; -- by_name\n'),
  ).toEqual([]);
  const marked = `-- BLOCK one
SELECT
  id,
  email -- sure
FROM users
WHERE id = $user_id
-- BLOCK two
-- the email of the buyer
SELECT o.id, o.email FROM orders AS o WHERE o.id = $order_id; -- by_name
SELECT email FROM users WHERE id = :id -- sure
`;
  expect(await wrongIn('src/b.sql', marked)).toEqual([]);
  const usages = await findUsages(
    { root: project.root, files: [], manifests: MANIFESTS },
    { from: 'email', table: { name: 'users' } },
  );
  expect(usages.some(({ text }) => text.includes('the buyer'))).toBe(false);
});
