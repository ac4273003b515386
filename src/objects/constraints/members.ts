import { sqlQualified } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';

/** A constraint, or one of those that it has made on partitions or for partitions that it references. */
export interface ConstraintMember {
  readonly on: string;
  readonly name: string;
  /** The table that it references, for a foreign key; else empty. */
  readonly references: string;
  readonly comment: string | null;
}

/** A constraint of a table by its name, and those that belong to it; the constraint itself first. */
export function constraintFamily(db: Queryable, on: string, name: string): Promise<ConstraintMember[]> {
  return all<ConstraintMember>(
    db,
    `WITH RECURSIVE family(oid, level) AS (
       SELECT oid, 0 FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2
       UNION ALL SELECT co.oid, level + 1 FROM pg_constraint co JOIN family ON co.conparentid = family.oid)
     SELECT ${sqlQualified('n', 'c')} AS on, co.conname AS name,
       coalesce(${sqlQualified('rn', 'r')}, '') AS references, obj_description(co.oid, 'pg_constraint') AS comment
     FROM family JOIN pg_constraint co ON co.oid = family.oid
     JOIN pg_class c ON c.oid = co.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_class r ON r.oid = co.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
     ORDER BY level, 1, 3`,
    [on, name],
  );
}
