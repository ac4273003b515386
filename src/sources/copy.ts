import { quoteIdent } from '../domain/identifier.ts';
import { type Connection, type Database, plainDatabase, withConnection } from '../postgres/connection.ts';
import { codeOf, reasonOf, sqlState } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { inSavepoint, inTransaction } from '../postgres/transaction.ts';
import type { Schema } from '../schema/facts.ts';
import { statementsBetween } from '../schema/statements.ts';
import { rolesOf } from '../schema/structure.ts';
import { readEmpty } from './dump.ts';
import { type Surroundings, withShadow } from './open.ts';

/** A database with the schema of another one, and nothing in it. */
export interface Copy {
  readonly db: Connection;
  readonly url: string;
  readonly database: Database;
  /** Why there is nothing in it: the server does not have what the schema needs. Null where all is there. */
  readonly untried: string | null;
}

/** Makes a schema once more, on the server for databases that nobody keeps. */
export async function withCopy<T>(
  surroundings: Surroundings,
  schema: Schema,
  body: (copy: Copy) => Promise<T>,
): Promise<T> {
  const { project } = surroundings;
  const statements = await statementsBetween(await readEmpty(surroundings), schema);
  return withShadow(surroundings, true, (server) =>
    server.withDatabase((url) => {
      const database = plainDatabase(url);
      return withConnection({ ...database, applicationName: 'phase copy' }, async (db) => {
        for (const script of rolesOf(schema, statements)) await db.query(script);
        await db.query(`SET search_path TO ''`);
        await db.query('SET check_function_bodies = off');
        const untried = await inTransaction(db, async () => {
          await asOwner(
            db,
            project.config.role ?? null,
            statements.map(({ sql }) => sql),
          );
          return null;
        }).catch((error) => reasonOf(error));
        return body({ db, url, database, untried });
      });
    }),
  );
}

/**
 * Runs statements as the role that owns what a project makes, where the configuration names one, and as whoever connects what that role may not: what is made
 * by another one would be another schema, and nobody's to change.
 */
export async function asOwner(db: Queryable, role: string | null, statements: readonly string[]): Promise<void> {
  if (role === null) {
    for (const sql of statements) await db.query(sql);
    return;
  }
  await db.query(`SET ROLE ${quoteIdent(role)}`);
  for (const sql of statements) {
    await inSavepoint(db, () => db.query(sql)).catch(async (error) => {
      if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
      await db.query('RESET ROLE');
      await db.query(sql);
      await db.query(`SET ROLE ${quoteIdent(role)}`);
    });
  }
  await db.query('RESET ROLE');
}
