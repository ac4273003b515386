import type { Knex } from 'knex';

/** A book of the bookshop as release 1.7.0 knows it. */
export interface Book {
  readonly id: number;
  readonly main_title: string;
  readonly subtitle: string | null;
  /** Width and height in millimetres, as `120x190`; null where nobody has measured it. */
  readonly size: string | null;
}

/** Books of a main title. */
export function booksCalled(knex: Knex, title: string): Promise<Book[]> {
  return knex<Book>('books').where('main_title', title).orderBy('id').select('id', 'main_title', 'subtitle', 'size');
}
