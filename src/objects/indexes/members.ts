import { quoteIdent } from '../../domain/identifier.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';

/** An index, or one of those that it has made on partitions. */
export interface IndexMember {
  /** The table that it is on, qualified and quoted. */
  readonly on: string;
  readonly name: string;
  /** Its schema, quoted. */
  readonly schema: string;
  readonly valid: boolean;
  /** Whether CLUSTER without a name uses it, and whether it is the replica identity. */
  readonly clustered: boolean;
  readonly replicaIdentity: boolean;
  readonly comment: string | null;
  /** That of the constraint that it is of. */
  readonly constraintComment: string | null;
}

/** An index of a table by its name, and those on partitions that belong to it; the index itself first. */
export function indexFamily(db: Queryable, on: string, name: string): Promise<IndexMember[]> {
  return all<IndexMember>(
    db,
    `WITH RECURSIVE family(oid, level) AS (
       SELECT c.oid, 0 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1) AND c.relname = $2
       UNION ALL SELECT h.inhrelid, level + 1 FROM pg_inherits h JOIN family ON h.inhparent = family.oid)
     SELECT ${sqlQualified('tn', 't')} AS on, c.relname AS name, quote_ident(n.nspname) AS schema,
       i.indisvalid AND i.indisready AS valid, i.indisclustered AS clustered, i.indisreplident AS "replicaIdentity",
       obj_description(c.oid, 'pg_class') AS comment,
       (SELECT obj_description(co.oid, 'pg_constraint') FROM pg_constraint co WHERE co.conindid = c.oid AND co.conrelid = t.oid AND co.contype IN ('p', 'u', 'x')) AS "constraintComment"
     FROM family JOIN pg_class c ON c.oid = family.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     ORDER BY level, 1`,
    [on, name],
  );
}

/** What a table says of one of its indexes, for the one that has the name now. */
export function appointments({ on, clustered, replicaIdentity }: IndexMember, name: string): string[] {
  return [
    ...(clustered ? [`ALTER TABLE ${on} CLUSTER ON ${quoteIdent(name)}`] : []),
    ...(replicaIdentity ? [`ALTER TABLE ${on} REPLICA IDENTITY USING INDEX ${quoteIdent(name)}`] : []),
  ];
}

/** Statement that gives one of them another name; none where it has it. */
export function renameIndex({ schema, name }: IndexMember, to: string): string[] {
  return name === to ? [] : [`ALTER INDEX ${schema}.${quoteIdent(name)} RENAME TO ${quoteIdent(to)}`];
}
