import type { UnsupportedObject } from '../domain/facts.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { TREE } from './tree.ts';

interface OwnColumn {
  on: string;
  kind: 'name' | 'identity' | 'nullable';
}

/**
 * What partitions and children have of their own in the place of a column, or of its new name, that the one of the whole table cannot stand for. PostgreSQL takes
 * a column that is added to the table for one of the same name that a child has, values and all.
 */
export async function readOwnColumns(
  db: Queryable,
  table: number,
  from: string,
  to: string,
): Promise<UnsupportedObject[]> {
  const rows = await all<OwnColumn>(db, OWN, [table, from, to]);
  const words: Record<OwnColumn['kind'], (on: string) => UnsupportedObject> = {
    name: (on) => ({
      object: `column ${quoteIdent(to)} of ${on}`,
      reason: 'the new column would be taken for it, and overwrite its values',
      instead: 'Take another name, or rename that column in an earlier release.',
    }),
    identity: (on) => ({
      object: `identity of ${on}`,
      reason: 'a child inherits no identity, and its own would be dropped with the old column',
      instead: 'Make it a default (nextval of a sequence) in an earlier release.',
    }),
    nullable: (on) => ({
      object: `column ${quoteIdent(from)} of ${on}, which may be NULL`,
      reason: 'the column of the whole table is NOT NULL, and the new one could only be so on both',
      instead: `Make it NOT NULL there, too (ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(from)} SET NOT NULL), in an earlier release.`,
    }),
  };
  return rows.map(({ on, kind }) => words[kind](on));
}

const OWN = `
  ${TREE},
  columns AS (SELECT a.*, c.relispartition FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname IN ($2, $3) AND NOT a.attisdropped)
  SELECT attrelid::regclass::text AS on, 'name' AS kind FROM columns WHERE attname = $3 AND NOT EXISTS (SELECT FROM columns own WHERE own.attrelid = $1::oid AND own.attname = $3)
  UNION ALL SELECT attrelid::regclass::text, 'identity' FROM columns WHERE attname = $2 AND attrelid <> $1::oid AND NOT relispartition AND attidentity <> ''
  UNION ALL SELECT attrelid::regclass::text, 'nullable' FROM columns WHERE attname = $2 AND NOT attnotnull AND EXISTS (
    SELECT FROM columns own WHERE own.attrelid = $1::oid AND own.attname = $2 AND own.attnotnull)
  ORDER BY 1, 2`;
