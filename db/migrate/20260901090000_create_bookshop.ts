import type { Knex } from 'knex';
import { createFunction, createTrigger, dropFunction } from 'triphase';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('customers', (table) => {
    table.bigIncrements('id');
    table.string('email', 320).notNullable().comment('Where order confirmations go.');
    table.text('name').notNullable();
    table.specificType('country', 'char(2)').notNullable().defaultTo('GB');
    table.integer('visits').notNullable().defaultTo(0);
    table.timestamps(true, true);
    table.unique(['email'], { indexName: 'customers_email_key' });
    table.check('position(? in email) > 1', ['@'], 'customers_email_check');
  });
  await knex.raw('CREATE INDEX customers_email_lower_idx ON customers (lower(email))');
  await knex.raw('CREATE INDEX customers_country_email_idx ON customers (country, email) INCLUDE (name)');
  await createFunction(knex, 'touch_updated_at', { version: 1 });
  await createTrigger(knex, 'customers_touch', { version: 1, on: 'customers' });

  await knex.schema.createTable('books', (table) => {
    table.bigIncrements('id');
    table.text('title').notNullable();
    table.decimal('price', 8, 2).notNullable();
  });
  await knex.schema.createTable('orders', (table) => {
    table.bigIncrements('id');
    table.bigInteger('customer_id').notNullable().references('customers.id').onDelete('CASCADE').index();
    table.timestamp('ordered_at').notNullable().defaultTo(knex.fn.now());
  });
  await knex.schema.createTable('order_lines', (table) => {
    table.bigInteger('order_id').notNullable().references('orders.id').onDelete('CASCADE');
    table.bigInteger('book_id').notNullable().references('books.id');
    table.integer('quantity').notNullable();
    table.primary(['order_id', 'book_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['order_lines', 'orders', 'books', 'customers']) await knex.schema.dropTable(table);
  await dropFunction(knex, 'touch_updated_at');
}
