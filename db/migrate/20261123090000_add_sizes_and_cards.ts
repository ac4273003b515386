import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE books ADD COLUMN width_mm int, ADD COLUMN height_mm int');
  await knex.schema.createTable('cards', (table) => {
    table.bigInteger('customer_id').primary().references('customers.id').onDelete('CASCADE');
    table.timestamp('issued_at').notNullable().defaultTo(knex.fn.now());
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('cards');
  await knex.raw('ALTER TABLE books DROP COLUMN width_mm, DROP COLUMN height_mm');
}
