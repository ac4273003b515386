import { beforeAll, expect, test } from '@jest/globals';
import { findCustomer } from '../../lib/customers.ts';
import { describeWithMigrations } from '../../src/testing/index.ts';
import { repository } from '../support/bookshop.ts';

// The bookshop fills itself with a few customers only.
process.env.BOOKSHOP_CUSTOMERS = '10';

// The bookshop's own test, as an application writes one: its code has to work before and after the migrations of its
// release, since instances of both states run during a roll-out.
describeWithMigrations(
  'customers',
  ({ knex }) => {
    beforeAll(async () => {
      await knex('customers').insert({ name: 'Ada', email_address: 'Ada@Example.org', country: 'GB' });
    });

    test('are found by their address, whatever its case', async () => {
      expect(await findCustomer(knex, 'ada@example.ORG')).toMatchObject({ name: 'Ada' });
      expect(await findCustomer(knex, 'nobody@example.org')).toBeUndefined();
    });
  },
  { root: repository },
);
