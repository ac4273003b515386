import pg from 'pg';
import { diffSchemas } from '../../src/schema/diff.ts';
import type { CustomerBook } from './customers.ts';
import type { Dialect } from './dialect.ts';

/** What is lost: acknowledged writes that do not stand in the table. */
export async function findLost(url: string, dialect: Dialect, book: CustomerBook): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return [
      ...(await lostCustomers(client, dialect, book)),
      ...(await lostVisits(client, dialect, book)),
      ...(await undeleted(client, book)),
    ];
  } finally {
    await client.end();
  }
}

async function lostCustomers(client: pg.Client, dialect: Dialect, { customers }: CustomerBook): Promise<string[]> {
  const { rows } = await client.query<{ id: string; email: string; name: string; country: string }>(
    `${dialect.select} WHERE c.id = ANY ($1::bigint[])`,
    [customers.map(({ id }) => id)],
  );
  const stored = new Map(rows.map((row) => [Number(row.id), row]));
  return customers.flatMap((customer) => {
    const row = stored.get(customer.id);
    const isThere = row?.email === customer.email && row.name === customer.name && row.country === customer.country;
    return isThere
      ? []
      : [`customer ${customer.id}: acknowledged ${JSON.stringify(customer)}, stored ${JSON.stringify(row)}`];
  });
}

async function lostVisits(client: pg.Client, { email: column }: Dialect, { visits }: CustomerBook): Promise<string[]> {
  const { rows } = await client.query<{ email: string; visits: number }>(
    `SELECT ${column} AS email, visits FROM customers WHERE ${column} LIKE 'contended%@clients.example'`,
  );
  const stored = new Map(rows.map((row) => [row.email, row.visits]));
  return [...visits].flatMap(([email, count]) =>
    (stored.get(email) ?? 0) === count
      ? []
      : [`${email}: ${count} visits acknowledged, ${stored.get(email) ?? 0} stored`],
  );
}

async function undeleted(client: pg.Client, { deleted }: CustomerBook): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM customers WHERE id = ANY ($1::bigint[])', [
    deleted,
  ]);
  return rows.map(({ id }) => `customer ${id} was deleted and is there`);
}

/** Changes the copy the plain way, and compares: nothing may differ but the column's position. */
export async function compareWithCopy(url: string, copy: string, byHand: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: copy });
  await client.connect();
  await client.query(byHand);
  await client.end();
  return diffSchemas(url, copy);
}
