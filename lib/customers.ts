import type { Knex } from 'knex';

/** A customer of the bookshop as release 1.3.0 knows it. */
export interface Customer {
  readonly id: number;
  readonly name: string;
  readonly email_address: string;
}

/** Finds a customer by their e-mail address, whatever its case. */
export function findCustomer(knex: Knex, address: string): Promise<Customer | undefined> {
  return knex<Customer>('customers')
    .whereRaw('lower(email_address) = lower(?)', [address])
    .first('id', 'name', 'email_address');
}
