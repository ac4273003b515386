import { all } from '../../postgres/queryable.ts';
import type { Scratching, TableSources } from '../sources.ts';
import { type ConstraintRow, type FoundConstraint, withoutState } from './read.ts';

const CHECKS = `
  SELECT co.conname AS name, pg_get_constraintdef(co.oid) AS definition, co.convalidated AS validated,
    coalesce((to_jsonb(co) ->> 'conenforced')::boolean, true) AS enforced, obj_description(co.oid, 'pg_constraint') AS comment
  FROM pg_constraint co
  WHERE co.conrelid = $1::oid AND co.contype = 'c' AND co.coninhcount = 0 AND ($2::int2 IS NULL OR $2 = ANY (co.conkey))
  ORDER BY co.conname`;

/** Tables with a check of their own. */
export const CHECK_TABLES = `SELECT conrelid::int8::text FROM pg_constraint WHERE conrelid = ANY ($1::oid[]) AND contype = 'c' AND coninhcount = 0`;

/** Checks that name the column, rewritten by the scratch tables, where they have the same names. */
export function checksOn(sources: TableSources): Promise<FoundConstraint[]> {
  return sources.ofMembers(readChecks);
}

async function readChecks({ db, member, scratch }: Scratching): Promise<FoundConstraint[]> {
  const { oid, schema, name: table, column } = member;
  const own = await all<ConstraintRow>(db, CHECKS, [oid, column]);
  const copies = new Map(
    (await all<ConstraintRow>(db, CHECKS, [scratch.oid, null])).map((row) => [row.name, row.definition]),
  );
  return own.map(({ name, definition, validated, enforced, comment }) => ({
    facts: {
      on: { schema, name: table },
      name,
      definition: withoutState(copies.get(name) ?? ''),
      original: withoutState(definition),
      validated,
      enforced,
      comment,
    },
    understood: copies.has(name),
  }));
}
