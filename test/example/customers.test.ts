import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { findCustomer } from '../../lib/customers.ts';
import { repository } from '../support/bookshop.ts';

const built = pathToFileURL(join(repository, 'dist/testing/index.js')).href;
const { describeWithMigrations }: typeof import('../../src/testing/index.ts') = await import(built);

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
