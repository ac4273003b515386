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

/**
 * Code as projects have it, with each line's meaning by hand: `own` is the column email of customers, `other` is none. A line without a mark names nothing.
 */
const FILES: Readonly<Record<string, string>> = {
  'src/knex.ts': `
export const one = (knex, id) => knex('customers').where({ id }).select('email'); // own
export const two = (knex) => knex.from('orders').select('email'); // other
export const three = (knex) => knex('customers as c').join('orders as o', 'o.customer_id', 'c.id').select('c.email'); // own
export const four = (knex) => knex('customers as c').join('orders as o', 'o.customer_id', 'c.id').select('o.email'); // other
export const five = (trx, email) => trx('customers').insert({ email, name: 'x' }); // own
export const six = (trx, email) => trx('newsletters').insert({ email }); // other
`,
  'src/sql.ts': `
export const one = (db, id) => db.query('SELECT email FROM customers WHERE id = $1', [id]); // own
export const two = (db) => db.query('SELECT email FROM suppliers'); // other
export const three = (db) => db.query('SELECT c.email FROM customers c JOIN suppliers s ON s.id = c.id'); // own
export const four = (db) => db.query('SELECT s.email FROM customers c JOIN suppliers s ON s.id = c.id'); // other
export const five = (db) => db.query(\`UPDATE customers SET email = $1 WHERE id = $2\`); // own
export const six = (db, order) => db.query(\`SELECT id FROM customers ORDER BY \${order}, email\`); // own
export const seven = (db) => db.query('INSERT INTO suppliers (email) VALUES ($1)'); // other
`,
  'src/models/customer.ts': `
export interface Customer {
  id: number;
  email: string; // own
}
export const format = (customer: Customer) => customer.email.trim(); // own
export const write = (row: Customer) => ({ to: row.email }); // own
`,
  'src/models/supplier.ts': `
export interface Supplier {
  email: string; // other
}
export const format = (supplier: Supplier) => supplier.email; // other
`,
  'src/prisma.ts': `
export const one = (prisma) => prisma.customer.findMany({ where: { email: 'x' } }); // own
export const two = (prisma) => prisma.supplier.findMany({ where: { email: 'x' } }); // other
`,
  'src/kysely.ts': `
export const one = (db) => db.selectFrom('customers').select(['id', 'email']); // own
export const two = (db) => db.selectFrom('suppliers').where('email', '=', 'x'); // other
`,
  'src/both.ts': `
import type { Customer } from './models/customer.ts';
export const compare = (customer: Customer, supplier) => customer.email === 'x'; // own
export const other = (supplier, customer: Customer) => supplier.email; // other
// A comment that says email is no usage
`,
  'src/mailer.ts': `
export const send = (options: { email: string }) => options.email; // other
`,
  'reports/monthly.sql': 'SELECT email, count(*) FROM customers GROUP BY email; -- own\n',
  'reports/suppliers.sql': 'SELECT email FROM suppliers; -- other\n',
  'scripts/export.py': 'rows = db.execute("select email from customers")  # own\n',
  'scripts/mail.py': 'send(config.email)  # other\n',
};

const MANIFESTS = [
  { migrations: [{ touches: ['public.customers', 'public.suppliers', 'public.orders', 'public.newsletters'] }] },
] as never;

test('of what names a column, what is of its table is told from what is not', async () => {
  for (const [path, text] of Object.entries(FILES)) project.write(path, text);
  const usages = await findUsages(
    { root: project.root, files: [], manifests: MANIFESTS },
    { from: 'email', table: { name: 'customers' } },
  );
  const said = new Map(usages.map(({ file, line, certainty }) => [`${file}:${line}`, certainty]));
  const wrong: string[] = [];
  const counts = { own: 0, found: 0, reported: 0 };
  for (const [path, text] of Object.entries(FILES)) {
    text.split('\n').forEach((line, at) => {
      const [, mark] = /(?:\/\/|--|#) (own|other)$/.exec(line) ?? [];
      if (mark === undefined) return;
      const certainty = said.get(`${path}:${at + 1}`);
      const isReported = certainty === 'sure' || certainty === 'likely';
      if (mark === 'own') counts.own++;
      if (isReported) counts.reported++;
      if (isReported && mark === 'own') counts.found++;
      if (isReported !== (mark === 'own')) wrong.push(`${path}:${at + 1} ${certainty}: ${line}`);
    });
  }
  expect(wrong).toEqual([]);
  expect(counts).toEqual({ own: 15, found: 15, reported: 15 });
  expect(said.get('src/both.ts:5')).toBeUndefined();
});

test('what says its table is sure, and what stands where it is named is likely', async () => {
  for (const [path, text] of Object.entries(FILES)) project.write(path, text);
  const usages = await findUsages(
    { root: project.root, files: [], manifests: MANIFESTS },
    { from: 'email', table: { name: 'customers' } },
  );
  const certainty = (file: string, line: number) =>
    usages.find((one) => one.file === file && one.line === line)?.certainty;
  expect(certainty('src/knex.ts', 2)).toBe('sure');
  expect(certainty('src/sql.ts', 4)).toBe('sure');
  expect(certainty('src/models/customer.ts', 6)).toBe('sure');
  expect(certainty('src/models/customer.ts', 7)).toBe('likely');
  expect(certainty('reports/monthly.sql', 1)).toBe('sure');
  expect(certainty('reports/suppliers.sql', 1)).toBe('by_name');
});

test('without a parser of TypeScript a line is likely where its file names the table', async () => {
  const bare = new TestProject(undefined, {
    'package.json': '{}',
    'src/a.ts': "knex('customers').select('email')\n",
    'src/b.ts': "knex('suppliers').select('email')\n",
  });
  const usages = await findUsages(
    { root: bare.root, files: [], manifests: MANIFESTS },
    { from: 'email', table: { name: 'customers' } },
  );
  bare.remove();
  expect(usages.map(({ file, certainty }) => [file, certainty])).toEqual([
    ['src/a.ts', 'likely'],
    ['src/b.ts', 'by_name'],
  ]);
});
