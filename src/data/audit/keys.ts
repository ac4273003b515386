import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';

/** How many keys an error shows. */
const SHOWN = 5;

/** Rows whose keys are looked at: SQL that stands after FROM, and which query they come from. */
export interface KeyedRows {
  readonly from: string;
  /** For $1, $2 and so on. */
  readonly values?: readonly unknown[];
  readonly kind: 'pre' | 'change' | 'post';
}

/**
 * Every row has a key, and no two have the same.
 * @throws PH5017 when a key's column is not there, PH5018 otherwise.
 */
export async function ensureKeys(
  db: Queryable,
  change: string,
  key: readonly string[],
  rows: KeyedRows,
): Promise<void> {
  const { fields } = (await db.query(`SELECT * FROM ${rows.from} LIMIT 0`, [...(rows.values ?? [])])) as unknown as {
    fields: { name: string }[];
  };
  const missing = key.filter((column) => !fields.some(({ name }) => name === column));
  if (missing.length > 0) {
    const reason = `The key ${missing.join(', ')} is not among the columns that ${rows.kind} gives: ${fields.map(({ name }) => name).join(', ')}.`;
    throw new PhaseError('PH5017', { change, reason });
  }
  const columns = key.map(quoteIdent).join(', ');
  const isEmpty = key.map((name) => `${quoteIdent(name)} IS NULL`).join(' OR ');
  // One look at the rows for both.
  const wrong = `${rows.from} GROUP BY ${columns} HAVING count(*) > 1 OR ${isEmpty}`;
  const keys = await sample(db, wrong, key, rows.values);
  if (keys.length === 0) return;
  const isNull = keys.some((shown) => / = NULL(,|$)/.test(shown));
  const reason = `${rows.kind} has ${isNull ? 'rows whose key is NULL' : 'keys more than once'}.`;
  throw new PhaseError('PH5018', { change, reason, keys: keys.slice(0, SHOWN) });
}

/** Both have the same keys. @throws PH5018 showing what only one has. */
export async function ensureSameKeys(
  db: Queryable,
  change: string,
  key: readonly string[],
  [one, other]: readonly [KeyedRows, KeyedRows],
): Promise<void> {
  const columns = key.map(quoteIdent).join(', ');
  for (const [has, lacks] of [
    [one, other],
    [other, one],
  ] as const) {
    const keys = await sample(
      db,
      `(SELECT ${columns} FROM ${has.from} EXCEPT SELECT ${columns} FROM ${lacks.from}) AS only_one`,
      key,
    );
    if (keys.length === 0) continue;
    const many =
      keys.length > SHOWN ? `more than ${SHOWN} keys` : `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`;
    const reason = `${has.kind} has ${many} that ${lacks.kind} does not have.`;
    throw new PhaseError('PH5018', { change, reason, keys: keys.slice(0, SHOWN) });
  }
}

/** Some keys in words; one more than are shown, to tell that there are more. */
async function sample(
  db: Queryable,
  from: string,
  key: readonly string[],
  values: readonly unknown[] = [],
): Promise<string[]> {
  const shown = key.map((name) => `${quoteIdent(name)}::text`).join(', ');
  const rows = await all<{ key: (string | null)[] }>(
    db,
    `SELECT ARRAY[${shown}] AS key FROM ${from} ORDER BY 1 LIMIT ${SHOWN + 1}`,
    [...values],
  );
  return rows.map((row) => key.map((name, at) => `${name} = ${row.key[at] ?? 'NULL'}`).join(', '));
}
