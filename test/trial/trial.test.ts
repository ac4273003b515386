import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { tryColumn } from './column.ts';
import { fillTables, USUAL_ROWS } from './rows.ts';
import { columnsOf, loadDump, type SkippedStatement } from './schema.ts';

let template: TestDatabase;
let skipped: SkippedStatement[];
let empty: string[];
const name = () => new URL(template.url).pathname.slice(1);
beforeAll(async () => {
  template = await createDatabase();
  skipped = await loadDump(template, join(repository, 'test', 'trial', 'dumps', 'shop.sql'));
  empty = await fillTables(template, USUAL_ROWS);
});
afterAll(() => template.drop());

test('a dump is loaded but for what the server does not have, and its tables are filled', async () => {
  expect(skipped.map(({ reason }) => reason)).toEqual([expect.stringContaining('no_such_extension')]);
  expect(empty).toEqual([]);
  expect(
    await template.sql('SELECT count(*)::int AS rows FROM shop.orders JOIN shop.customers c ON c.id = customer_id'),
  ).toEqual([{ rows: 4 }]);
});

test('the columns are those that can be renamed: not what partitions have from their table', async () => {
  const columns = await columnsOf(template);
  expect(columns.map(({ table, column }) => `${table}.${column}`)).toEqual([
    ...['id', 'email', 'country', 'seen'].map((column) => `shop.customers.${column}`),
    ...['id', 'customer_id', 'state', 'placed_on', 'items'].map((column) => `shop.orders.${column}`),
  ]);
});

test('each column ends as a plain rename would leave it, or is refused with a code', async () => {
  const columns = await columnsOf(template);
  await template.client.end();
  const outcomes: Record<string, string> = {};
  for (const column of columns) {
    const { outcome, code, reason, differences } = await tryColumn(serverUrl(), name(), column);
    const why = outcome === 'equal' ? '' : ` ${code ?? ''}${outcome === 'refused' ? '' : `${reason} ${differences}`}`;
    outcomes[`${column.table}.${column.column}`] = outcome + why;
  }
  expect(outcomes).toEqual({
    'shop.customers.id': 'equal',
    'shop.customers.email': 'equal',
    'shop.customers.country': 'equal',
    'shop.customers.seen': 'equal',
    'shop.orders.id': 'equal',
    'shop.orders.customer_id': 'equal',
    'shop.orders.state': 'refused PH2001',
    'shop.orders.placed_on': 'equal',
    'shop.orders.items': 'equal',
  });
}, 120_000);

test('a schema that is not the same is seen', async () => {
  const fresh = await createDatabase(serverUrl(), name());
  try {
    // Behind the back of the trial: an index that the plain rename's clone has not.
    await fresh.sql('DROP INDEX shop.customers_lower_email');
    const { differencesOf, fingerprint } = await import('../support/fingerprint.ts');
    const plain = await createDatabase(serverUrl(), name());
    expect(differencesOf(await fingerprint(fresh), await fingerprint(plain))).toEqual([
      expect.stringContaining('- index | customers_lower_email'),
    ]);
    await plain.drop();
  } finally {
    await fresh.drop();
  }
});
