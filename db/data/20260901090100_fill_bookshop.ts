import type { Knex } from 'knex';

/** How many customers; the other tables follow. */
const CUSTOMERS = Number(process.env.BOOKSHOP_CUSTOMERS ?? 100_000);

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `INSERT INTO customers (email, name, country)
     SELECT 'customer' || n || '@example.com', 'Customer ' || n, (ARRAY['GB', 'FR', 'DE', 'NL'])[1 + n % 4]
     FROM generate_series(1, ?::int) AS n`,
    [CUSTOMERS],
  );
  await knex.raw(
    `INSERT INTO books (title, price) SELECT 'Book ' || n, (n % 4000) / 100.0 + 1 FROM generate_series(1, 5000) AS n`,
  );
  await knex.raw(
    `INSERT INTO orders (customer_id, ordered_at)
     SELECT 1 + n % ?, now() - n * interval '1 minute' FROM generate_series(1, ?::int) AS n`,
    [CUSTOMERS, CUSTOMERS],
  );
  await knex.raw(
    `INSERT INTO order_lines (order_id, book_id, quantity)
     SELECT id, 1 + (id * 7 + line) % 5000, line FROM orders, generate_series(1, 2) AS line`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('TRUNCATE order_lines, orders, books, customers');
}
