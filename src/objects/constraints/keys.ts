import type { UnsupportedObject } from '../../domain/facts.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName } from '../bound.ts';
import { notUnderstood } from '../refusal.ts';
import type { FoundKey } from './read-keys.ts';

export function refusedKeys(keys: readonly FoundKey[]): UnsupportedObject[] {
  return keys
    .filter(({ understood }) => !understood)
    .map(({ facts }) => notUnderstood(`constraint ${quoteIdent(facts.name)}`));
}

/** The other table of a foreign key, which PostgreSQL locks when the key goes: it has it, or is referenced. */
export async function lockedByKey(
  db: Queryable,
  root: string,
  { on = root, name }: BoundObjectName,
): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT ${sqlQualified('n', 'c')} AS name FROM pg_constraint co
     JOIN pg_class c ON c.oid = CASE WHEN co.confrelid = to_regclass($1) THEN co.conrelid ELSE co.confrelid END
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE co.conrelid = to_regclass($2) AND co.conname = $3`,
    [root, on, name],
  );
  return rows.map((row) => row.name).filter((table) => table !== root);
}
