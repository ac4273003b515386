import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { mapped } from '../domain/mapping.ts';
import type { Conversion } from '../domain/rename.ts';
import { reasonOf } from '../postgres/errors.ts';
import { one, type Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import { readColumn } from './column.ts';
import { type GivenExpression, overParameters } from './over-parameters.ts';

/** A column that an expression may name. */
interface MapInput {
  readonly name: string;
  /** With its collation where that is not the type's own. */
  readonly type: string;
}

interface GivenMap extends Pick<GivenExpression, 'flag' | 'expression'> {
  readonly inputs: readonly MapInput[];
  /** The type that it is to give; null: the one that it has. */
  readonly to: string | null;
}

/** What an expression computes. */
export interface ReadMap {
  readonly value: Conversion;
  readonly type: string;
  readonly byteEqual: boolean;
}

/** The type of a column as a definition has it. */
export function typedAs({ type, collation }: Pick<ColumnFacts, 'type' | 'collation'>): string {
  return `${type}${collation === null ? '' : ` COLLATE ${collation}`}`;
}

/**
 * What an expression over one row of some columns gives, checked by PostgreSQL: that it is SQL over these alone, of the type that is wanted, and the same at all times. In
 * a transaction that is rolled back, under qualified names.
 * @throws PH1043
 */
export async function readMap(db: Queryable, { flag, expression, inputs, to }: GivenMap): Promise<ReadMap> {
  const columns = inputs.map(({ name }) => name);
  const given = {
    ...{ flag, expression, columns, column: columns.join(', ') },
    ...{ from: inputs.map(({ type }) => type).join(', '), to: to ?? 'value' },
  };
  const sql = await overParameters(given);
  const text = mapped({ sql, mayFail: true }, columns.map(quoteIdent));
  try {
    const found = await inSavepoint(db, () => typeOf(db, { text, inputs, to }));
    await inSavepoint(db, () => generate(db, { text, inputs, type: found.type }));
    return { value: { sql, mayFail: !isColumnAsItIs(sql, inputs, found.type) }, ...found };
  } catch (error) {
    throw new PhaseError('PH1043', { ...given, reason: reasonOf(error) }, { cause: error });
  }
}

/** Nobody can tell of an expression that there is a result for each value; a column of the same type has one. */
function isColumnAsItIs(sql: string, inputs: readonly MapInput[], type: string): boolean {
  const [, number] = /^\(\s*\$(\d+)\s*\)$/.exec(sql) ?? [];
  return number !== undefined && inputs[Number(number) - 1]?.type === type;
}

interface Asked {
  readonly text: string;
  readonly inputs: readonly MapInput[];
}

/** What PostgreSQL calls the type of an expression; or that it can be assigned to the one that is wanted. */
async function typeOf(
  db: Queryable,
  { text, inputs, to }: Asked & { readonly to: string | null },
): Promise<Pick<ReadMap, 'type' | 'byteEqual'>> {
  await db.query(`CREATE TEMPORARY TABLE triphase_inputs (${definitions(inputs)})`);
  const select = `SELECT (${text}) AS value FROM pg_temp.triphase_inputs`;
  if (to === null) await db.query(`CREATE TEMPORARY TABLE triphase_value AS ${select}`);
  else {
    await db.query(`CREATE TEMPORARY TABLE triphase_value (value ${to})`);
    await db.query(`INSERT INTO pg_temp.triphase_value ${select}`);
  }
  const { oid } = await one<{ oid: string }>(
    db,
    `SELECT 'pg_temp.triphase_value'::pg_catalog.regclass::oid::int8::text AS oid`,
  );
  // A column that is added holds nothing until it is filled.
  await db.query('INSERT INTO pg_temp.triphase_value DEFAULT VALUES');
  const column = await readColumn(db, Number(oid), { schema: 'pg_temp', name: 'triphase_value' }, 'value');
  await db.query('DROP TABLE pg_temp.triphase_value, pg_temp.triphase_inputs');
  return { type: typedAs(column), byteEqual: column.byteEqual };
}

/** A generated column takes what a sync may take: nothing but the row, and the same at all times. */
async function generate(db: Queryable, { text, inputs, type }: Asked & { readonly type: string }): Promise<void> {
  const other = quoteIdent('a value of triphase');
  await db.query(
    `CREATE TEMPORARY TABLE triphase_generated (${definitions(inputs)}, ${other} ${type} GENERATED ALWAYS AS (${text}) STORED)`,
  );
  await db.query('DROP TABLE pg_temp.triphase_generated');
}

const definitions = (inputs: readonly MapInput[]): string =>
  inputs.map(({ name, type }) => `${quoteIdent(name)} ${type}`).join(', ');
