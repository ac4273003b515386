import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { converted, type Retype } from '../domain/rename.ts';
import { reasonOf } from '../postgres/errors.ts';
import { one, type Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import { expressionTrees } from './sql-trees.ts';

/** An expression for a column, as messages name it. */
interface Given {
  readonly expression: string;
  readonly column: string;
  readonly type: string;
}

/** Checks that an expression over one row of a table gives values of a column's type. @throws PH1043 */
export async function checkExpression(db: Queryable, table: QualifiedName, given: Given): Promise<void> {
  const { expression, type } = given;
  await orRefused(db, '--fill', given, async () => {
    await db.query(`CREATE TEMPORARY TABLE triphase_given (value ${type})`);
    await db.query(
      `INSERT INTO pg_temp.triphase_given SELECT (${expression}) FROM ${quoteQualified(table)} AS ${quoteIdent(table.name)} LIMIT 0`,
    );
    await db.query('DROP TABLE pg_temp.triphase_given');
  });
}

/** A default as PostgreSQL prints it for a type. @throws PH1043 */
export function printedDefault(db: Queryable, given: Given): Promise<string> {
  return orRefused(db, '--default', given, () => printedAs(db, given.type, given.expression));
}

/** A value of a type that is the same at all times, and needs no row, as PostgreSQL prints it. @throws PH1043 */
export function printedValue(db: Queryable, given: Given): Promise<string> {
  return orRefused(db, '--on-error', given, async () => {
    const printed = await printedAs(db, given.type, given.expression);
    await db.query(
      `CREATE TEMPORARY TABLE triphase_given (value ${given.type} GENERATED ALWAYS AS (${printed}) STORED)`,
    );
    await db.query('DROP TABLE pg_temp.triphase_given');
    return printed;
  });
}

/** Runs what asks PostgreSQL about an expression, once that is known to be one. @throws PH1043 */
async function orRefused<T>(
  db: Queryable,
  flag: '--fill' | '--default' | '--on-error',
  { expression, column, type }: Given,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    await expressionTrees(expression);
    return await inSavepoint(db, ask);
  } catch (error) {
    const given = { flag, expression, column, from: type, to: type };
    throw new PhaseError('PH1043', { ...given, reason: reasonOf(error) }, { cause: error });
  }
}

async function printedAs(db: Queryable, type: string, expression: string): Promise<string> {
  await db.query(`CREATE TEMPORARY TABLE triphase_default (value ${type} DEFAULT ${expression})`);
  const row = await one<{ text: string }>(
    db,
    `SELECT pg_catalog.pg_get_expr(adbin, adrelid) AS text FROM pg_catalog.pg_attrdef WHERE adrelid = 'pg_temp.triphase_default'::pg_catalog.regclass`,
  );
  await db.query('DROP TABLE pg_temp.triphase_default');
  return row.text;
}

/**
 * The default of a column, and what it is for the new type: assigned as it stands where PostgreSQL does that, else converted like a value. Both as PostgreSQL
 * prints them.
 * @throws PH1043 when neither is possible.
 */
export async function readDefault(
  db: Queryable,
  {
    name,
    type,
    default: standing,
  }: { readonly name: string; readonly type: string; readonly default: { readonly expression: string } | null },
  retype: Retype,
): Promise<{ from: string; to: string } | null> {
  if (standing === null) return null;
  const from = standing.expression;
  const printed = (expression: string): Promise<string> => printedAs(db, retype.type, expression);
  const to = await inSavepoint(db, () => printed(from)).catch(() =>
    inSavepoint(db, () => printed(converted(retype.forward, `(${from})`))).catch((error) => {
      const asked = { column: name, from: type, to: retype.type, flag: '--using' as const };
      throw new PhaseError(
        'PH1043',
        { ...asked, expression: `DEFAULT ${from}`, reason: reasonOf(error) },
        { cause: error },
      );
    }),
  );
  return { from, to };
}
