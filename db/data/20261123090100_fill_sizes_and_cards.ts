import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `UPDATE books SET width_mm = 110 + id % 90, height_mm = 170 + id % 120, title = title || CASE WHEN id % 3 = 0 THEN ': A novel' ELSE '' END
     WHERE id % 10 > 0`,
  );
  await knex.raw('INSERT INTO cards (customer_id) SELECT id FROM customers WHERE id % 4 > 0');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`UPDATE books SET width_mm = NULL, height_mm = NULL, title = regexp_replace(title, ': A novel$', '')`);
  await knex.raw('TRUNCATE cards');
}
