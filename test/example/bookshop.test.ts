import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { booksCalled } from '../../lib/books.ts';
import { countVisit, findCustomer } from '../../lib/customers.ts';
import { repository } from '../support/bookshop.ts';

const built = pathToFileURL(join(repository, 'dist/testing/index.js')).href;
const { describeWithMigrations }: typeof import('../../src/testing/index.ts') = await import(built);

// The bookshop fills itself with a few customers only.
process.env.BOOKSHOP_CUSTOMERS = '10';

// The bookshop's own test, as an application writes one: its code has to work before and after the migrations of its
// release, since instances of both states run during a roll-out.
describeWithMigrations(
  'the bookshop',
  ({ knex }) => {
    beforeAll(async () => {
      await knex('customers').insert({ name: 'Ada', email_address: 'Ada@Example.org', country: 'GB' });
    });

    test('finds customers by their address, whatever its case', async () => {
      expect(await findCustomer(knex, 'ada@example.ORG')).toMatchObject({ name: 'Ada' });
      expect(await findCustomer(knex, 'nobody@example.org')).toBeUndefined();
    });

    test('counts visits of customers on their cards', async () => {
      await countVisit(knex, 1);
      expect(await knex('cards').where('customer_id', 1).first('visits')).toEqual({ visits: 1 });
    });

    test('has the title of a book in two columns, and its size in one', async () => {
      await knex('books').insert({ main_title: 'Emma', subtitle: 'A novel', size: '120x190', price: 9 });
      expect(await booksCalled(knex, 'Emma')).toMatchObject([{ subtitle: 'A novel', size: '120x190' }]);
      expect(await booksCalled(knex, 'Book 3')).toMatchObject([{ subtitle: 'A novel', size: '113x173' }]);
    });
  },
  { root: repository },
);
