import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';

/**
 * Whether each part of a key has a hash function; asked of the server with a row of NULLs, since arrays, row types and expressions depend on what they are made of. In a
 * transaction that prints names qualified.
 * @param table that the key is of. @param keys SQL of its parts.
 */
export function isHashableKey(db: Queryable, table: QualifiedName, keys: readonly string[]): Promise<boolean> {
  if (keys.length === 0) return Promise.resolve(false);
  const row = `ROW(${keys.join(', ')})`;
  const sql = `SELECT pg_catalog.hash_record_extended(${row}, 0) FROM (SELECT (CAST(NULL AS ${quoteQualified(table)})).*) AS written`;
  return inSavepoint(db, () => db.query(sql)).then(
    () => true,
    () => false,
  );
}
