import { quoteIdent } from '../../domain/identifier.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';
import { isTrusted, ME } from '../../postgres/trust.ts';

/** The temporary table of the rows that the change itself concerns. */
const FIRST = 'along_0';

/** Rows that a foreign key is going to take along, in a temporary table. */
export interface AlongRows {
  /** The table that they are in, quoted. */
  readonly table: string;
  /** Name of the temporary table that holds them whole, as they are before the change. */
  readonly kept: string;
  /** The columns that tell them apart. */
  readonly key: readonly string[];
  /** Those of the foreign key. */
  readonly columns: readonly string[];
  /** They are deleted, or the columns of the foreign key are set. */
  readonly action: 'delete' | 'update';
  readonly rows: number;
}

/** A foreign key, seen from the table that it references. */
interface Reference {
  /** The referencing table and its parts. */
  readonly table: string;
  /** Columns of its primary key, or of a unique key without NULLs; null where it has none. */
  readonly key: readonly string[] | null;
  readonly action: AlongRows['action'];
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** The operators that the key compares by, of the referenced column and its own, each as in SQL. */
  readonly operators: readonly string[];
}

/** What a change does to the rows of its table, as far as foreign keys care. */
export interface Doomed {
  /** Its table, quoted. */
  readonly table: string;
  readonly command: 'DELETE' | 'UPDATE';
  /** Of an UPDATE the columns that it sets; null when that cannot be told. */
  readonly columns: readonly string[] | null;
  /** SQL that stands after FROM and gives the rows, whole. */
  readonly rows: string;
  /** The table, where they are all that is below other rows of it. */
  readonly above?: string | null;
}

/**
 * Keeps what foreign keys will take along when rows are deleted or their keys change: CASCADE, SET NULL and SET DEFAULT, over any number of tables. Rows of a
 * table without a key of its own are left out, since nothing tells them apart; so are those that the role may not see, and tables of an owner whose rights it
 * has not been given: reading them could run code of that owner with ours.
 */
export async function keepAlong(db: Queryable, change: Doomed): Promise<AlongRows[]> {
  const kept: AlongRows[] = [];
  // Most tables are referenced by nothing that would be taken along, and their rows need not be copied.
  if ((await referencesTo(db, change)).length === 0) return kept;
  await db.query(`CREATE TEMP TABLE ${FIRST} ON COMMIT DROP AS SELECT d.* FROM ${change.rows} AS d`);
  const queue: Doomed[] = [{ ...change, rows: `pg_temp.${FIRST}` }];
  for (let doomed = queue.shift(); doomed !== undefined; doomed = queue.shift()) {
    for (const reference of await referencesTo(db, doomed)) {
      if (reference.key === null || movesKey(reference)) continue;
      // All that is below it in its own table was gone down to already.
      if (doomed.above === reference.table && isItself(reference, doomed)) continue;
      const deleted = kept.filter(({ table, action }) => table === reference.table && action === 'delete');
      const known = deleted.map((rows) => rows.kept);
      if (change.command === 'DELETE' && reference.table === change.table) known.push(FIRST);
      const name = `along_${kept.length + 1}`;
      const rows = await keepRows(db, { ...reference, key: reference.key }, { doomed, known, name });
      if (rows === null) continue;
      kept.push(rows);
      if (rows.action === 'delete') {
        const above = isItself(reference, doomed) ? rows.table : null;
        queue.push({ table: rows.table, command: 'DELETE', columns: null, rows: `pg_temp.${rows.kept}`, above });
      }
    }
  }
  return inOrderOfReferences(db, kept);
}

/** What others reference comes first, as it has to when it is put back; columns that were set come last. */
async function inOrderOfReferences(db: Queryable, kept: readonly AlongRows[]): Promise<AlongRows[]> {
  const deleted = kept.filter(({ action }) => action === 'delete');
  const references = await all<{ from: string; to: string }>(
    db,
    `SELECT DISTINCT ${sqlQualified('n', 'c')} AS from, ${sqlQualified('tn', 'tc')} AS to FROM pg_catalog.pg_constraint co
     JOIN pg_catalog.pg_class c ON c.oid = co.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_class tc ON tc.oid = co.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
     WHERE co.contype = 'f' AND co.conrelid = ANY ($1::text[]::regclass[]) AND co.confrelid = ANY ($1::text[]::regclass[]) AND co.conrelid <> co.confrelid`,
    [[...new Set(deleted.map(({ table }) => table))]],
  );
  const ordered: AlongRows[] = [];
  const rest = [...deleted];
  while (rest.length > 0) {
    const isFree = ({ table }: AlongRows): boolean =>
      !references.some(({ from, to }) => from === table && rest.some((other) => other.table === to));
    // In a circle of tables there is no order: PostgreSQL says so where it matters.
    const next = Math.max(0, rest.findIndex(isFree));
    ordered.push(...rest.splice(next, 1));
  }
  return [...ordered, ...kept.filter(({ action }) => action === 'update')];
}

/**
 * After the change leaves only what it did: not what `pre` named and the change left alone, nor rows whose column was set and that another key has
 * deleted, which are among the deleted ones. @returns how many rows are left.
 */
export async function forgetUntouched(
  db: Queryable,
  { table, kept, key, columns, action }: AlongRows,
): Promise<number> {
  const values = (alias: string, list: readonly string[]): string =>
    `(${list.map((name) => `${alias}.${quoteIdent(name)}`).join(', ')})`;
  const now = `FROM ${table} AS t WHERE ${values('t', key)} = ${values('k', key)}`;
  const left = `EXISTS (SELECT ${now} AND ${values('t', columns)} IS DISTINCT FROM ${values('k', columns)})`;
  const touched = action === 'delete' ? `NOT EXISTS (SELECT ${now})` : left;
  await db.query(`DELETE FROM pg_temp.${kept} AS k WHERE NOT (${touched})`);
  const { rows } = await one<{ rows: number }>(db, `SELECT pg_catalog.count(*)::int AS rows FROM pg_temp.${kept}`);
  return rows;
}

/** A table whose rows are above others of it. */
const isItself = ({ table, action }: Reference, doomed: Doomed): boolean =>
  action === 'delete' && table === doomed.table;

/** Rows whose own key is set cannot be found again by it. */
function movesKey({ action, key, columns }: Reference): boolean {
  return action === 'update' && columns.some((column) => key?.includes(column));
}

/** Of a change of keys CASCADE is a change as well. @returns those that do something. */
function referencesTo(db: Queryable, { table, command, columns }: Doomed): Promise<Reference[]> {
  const [acts, cascade] = command === 'DELETE' ? ['co.confdeltype', 'delete'] : ['co.confupdtype', 'update'];
  return all(
    db,
    `SELECT ${sqlQualified('n', 'c')} AS table, k.key, a.columns, a.referenced, a.operators,
       CASE ${acts} WHEN 'c' THEN '${cascade}' ELSE 'update' END AS action
     FROM pg_catalog.pg_constraint co
     JOIN pg_catalog.pg_class c ON c.oid = co.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(own.attname::text ORDER BY k.place) AS columns, pg_catalog.array_agg(theirs.attname::text ORDER BY k.place) AS referenced,
         pg_catalog.array_agg('OPERATOR(' || pg_catalog.quote_ident(opn.nspname::text) || '.' || op.oprname::text || ')' ORDER BY k.place) AS operators
       FROM ROWS FROM (pg_catalog.unnest(co.conkey), pg_catalog.unnest(co.confkey), pg_catalog.unnest(co.conpfeqop)) WITH ORDINALITY AS k(own, theirs, op, place)
       JOIN pg_catalog.pg_operator op ON op.oid = k.op JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
       JOIN pg_catalog.pg_attribute own ON own.attrelid = co.conrelid AND own.attnum = k.own
       JOIN pg_catalog.pg_attribute theirs ON theirs.attrelid = co.confrelid AND theirs.attnum = k.theirs) AS a
     LEFT JOIN LATERAL (SELECT pg_catalog.array_agg(ka.attname::text ORDER BY k.place) AS key
       FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
       JOIN pg_catalog.pg_attribute ka ON ka.attrelid = i.indrelid AND ka.attnum = k.number
       WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
       GROUP BY i.indexrelid, i.indisprimary HAVING pg_catalog.bool_and(ka.attnotnull) ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1) AS k ON true
     WHERE co.contype = 'f' AND co.conparentid = 0 AND ${acts} IN ('c', 'n', 'd')
       AND (pg_catalog.pg_has_role(c.relowner, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = co.confrelid), 'MEMBER') OR ${isTrusted('c.relowner', ME)})
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)
       AND (co.confrelid = $1::regclass OR co.confrelid IN (SELECT relid FROM pg_catalog.pg_partition_ancestors($1::regclass)))
       AND ($2::text[] IS NULL OR a.referenced && $2::text[]) ORDER BY co.oid`,
    [table, command === 'DELETE' ? null : columns],
  );
}

/**
 * @param known temporary tables with rows of that table that are deleted anyway: by whichever key a row is come to, it goes once.
 * @returns null when there are no others.
 */
async function keepRows(
  db: Queryable,
  reference: Reference & { readonly key: readonly string[] },
  { doomed, known, name }: { readonly doomed: Doomed; readonly known: readonly string[]; readonly name: string },
): Promise<AlongRows | null> {
  const { table, key, action, columns, referenced, operators } = reference;
  const names = (alias: string, list: readonly string[]): string =>
    list.map((column) => `${alias}.${quoteIdent(column)}`).join(', ');
  const references = (own: string, theirs: string): string =>
    columns
      .map(
        (column, at) => `${theirs}.${quoteIdent(referenced[at] ?? '')} ${operators[at]} ${own}.${quoteIdent(column)}`,
      )
      .join(' AND ');
  const others = known.map(
    (kept) => ` AND NOT EXISTS (SELECT FROM pg_temp.${kept} AS k WHERE (${names('k', key)}) = (${names('c', key)}))`,
  );
  const first = `SELECT FROM ${doomed.rows} AS d WHERE ${references('c', 'd')}`;
  const needed = [...new Set([...key, ...referenced])];
  const below = `WITH RECURSIVE below AS (
      SELECT ${names('c', needed)} FROM ${table} AS c WHERE EXISTS (${first})
      UNION SELECT ${names('c', needed)} FROM ${table} AS c JOIN below AS b ON ${references('c', 'b')})
    SELECT c.* FROM ${table} AS c WHERE (${names('c', key)}) IN (SELECT ${names('b', key)} FROM below AS b)`;
  const rows = isItself(reference, doomed) ? below : `SELECT c.* FROM ${table} AS c WHERE EXISTS (${first})`;
  const { rowCount } = await db.query(`CREATE TEMP TABLE ${name} ON COMMIT DROP AS ${rows}${others.join('')}`);
  await db.query(`ANALYZE pg_temp.${name}`);
  if ((rowCount ?? 0) > 0) return { table, kept: name, key, columns, action, rows: rowCount ?? 0 };
  await db.query(`DROP TABLE pg_temp.${name}`);
  return null;
}

/** Takes away what was kept, for the next change of the same transaction. */
export async function dropAlong(db: Queryable): Promise<void> {
  const tables = await all<{ name: string }>(
    db,
    `SELECT relname AS name FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relname ~ '^along_[0-9]+$'`,
  );
  if (tables.length > 0) await db.query(`DROP TABLE ${tables.map(({ name }) => `pg_temp.${name}`).join(', ')}`);
}
