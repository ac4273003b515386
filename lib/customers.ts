import type { Knex } from 'knex';

/** A customer of the bookshop as release 1.7.0 knows it. */
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

/** Counts a visit of a customer on their card. */
export async function countVisit(knex: Knex, customer: number): Promise<void> {
  await knex('cards').where('customer_id', customer).increment('visits');
}
