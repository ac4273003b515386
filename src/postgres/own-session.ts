import type { Knex } from 'knex';
import type pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { reasonOf } from './errors.ts';
import type { Queryable } from './queryable.ts';

/** What knex calls on each new connection: `done` gets what has failed, or nothing. */
export type AfterCreate = (connection: unknown, done: (error?: unknown, connection?: unknown) => void) => unknown;

/** How the application's own sessions are, which migrations expect. */
export interface OwnSession {
  /** Schemas, in order; null for what the role, the database or the server say. */
  readonly searchPath: readonly string[] | null;
  /** Whom everything that is made belongs to, where that is another role than the one that connects. */
  readonly role: string | null;
  readonly afterCreate: AfterCreate | null;
  /** How the knex that migrations get writes names and gives results. */
  readonly builder: Builder;
}

/** What a configuration of knex says of that. */
export type Builder = Pick<Knex.Config, 'wrapIdentifier' | 'postProcessResponse'> & { readonly userParams?: object };

/** As the server has it. */
export const PLAIN_SESSION: OwnSession = { searchPath: null, role: null, afterCreate: null, builder: {} };

/** How long a function of the application may take to prepare a connection. */
const AFTER_CREATE_MS = 30_000;

/**
 * Makes a new connection what the application's are: in the order in which knex does it, after the role.
 * @throws PH5028 when that fails.
 */
export async function makeOwn(client: Queryable, { searchPath, role, afterCreate }: OwnSession): Promise<void> {
  if (role !== null) await attempt('role', () => client.query(`SET ROLE ${quoteIdent(role)}`));
  if (searchPath !== null) {
    const path = searchPath.map(quoteIdent).join(', ');
    await attempt('searchPath', () => client.query(`SET search_path TO ${path}`));
  }
  if (afterCreate !== null) await attempt('pool.afterCreate', () => called(client, afterCreate));
}

async function attempt(what: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new PhaseError('PH5028', { what, reason: reasonOf(error) }, { cause: error });
  }
}

/** One that returns a promise may leave `done` alone where that fails: knex would wait for ever. */
function called(client: Queryable, afterCreate: AfterCreate): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`it has not called done after ${AFTER_CREATE_MS / 1000} s`)),
      AFTER_CREATE_MS,
    );
    const done = (error?: unknown): void => {
      clearTimeout(late);
      if (error) reject(error);
      else resolve();
    };
    try {
      Promise.resolve(afterCreate(client as pg.Client, done)).catch(done);
    } catch (error) {
      done(error);
    }
  });
}
