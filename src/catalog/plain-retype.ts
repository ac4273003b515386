import { type QualifiedName, quoteIdent } from '../domain/identifier.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { withEventTriggers } from '../postgres/session.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import { WITHOUT_GENERATED } from './retype-scratch.ts';
import { makeScratch } from './scratch.ts';
import { TREE } from './tree.ts';

/**
 * Whether PostgreSQL changes the type of a column without reading or writing a row, as it is asked on a copy of the table's structure: neither the table nor an
 * index gets another file. A check is read anew in any case, and what is bound to the column by its text it refuses to change.
 */
export async function isPlainChange(
  db: Queryable,
  table: QualifiedName & { readonly oid: number },
  column: { readonly name: string; readonly number: number; readonly generated: unknown; readonly identity: boolean },
  type: string,
): Promise<boolean> {
  if (column.generated !== null || (await isBound(db, table.oid, column.name))) return false;
  const changed = await inSavepoint(db, async () => {
    const scratch = await makeScratch(db, table, WITHOUT_GENERATED);
    const before = await filesOf(db, scratch.oid);
    await withEventTriggers(db, () =>
      db.query(`ALTER TABLE ${scratch.name} ALTER COLUMN ${quoteIdent(column.name)} TYPE ${type}`),
    );
    const after = await filesOf(db, scratch.oid);
    await db.query(`DROP TABLE ${scratch.name}`);
    return before !== after;
  }).catch(() => true);
  return !changed;
}

async function filesOf(db: Queryable, table: number): Promise<string> {
  const { files } = await one<{ files: string }>(
    db,
    `SELECT pg_catalog.string_agg(name || ' ' || pg_catalog.pg_relation_filenode(oid)::text, ', ' ORDER BY name) AS files FROM (
       SELECT c.oid, c.relname::text AS name FROM pg_catalog.pg_class c WHERE c.oid = $1::oid
       UNION ALL SELECT x.oid, x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = $1::oid) AS relations`,
    [table],
  );
  return files;
}

/** Checks, and what depends on the column but indexes, keys and its own default: ALTER TYPE reads or refuses them. */
async function isBound(db: Queryable, table: number, column: string): Promise<boolean> {
  const rows = await all(
    db,
    `${TREE}
     SELECT FROM tree JOIN pg_catalog.pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2
     JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
     WHERE NOT (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_class x WHERE x.oid = d.objid AND x.relkind IN ('i', 'I', 'S')))
       AND NOT (d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint co WHERE co.oid = d.objid AND co.contype IN ('p', 'u', 'f', 'n')))
       AND NOT (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_attrdef ad WHERE ad.oid = d.objid AND ad.adrelid = a.attrelid AND ad.adnum = a.attnum))
     LIMIT 1`,
    [table, column],
  );
  return rows.length > 0;
}
