import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { type Conversion, converted, type Retype } from '../domain/rename.ts';
import { codeOf, reasonOf, sqlState } from '../postgres/errors.ts';
import { one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import { readColumn } from './column.ts';
import { overParameters } from './over-parameters.ts';
import { expressionTrees, nodesOf, treesOf } from './sql-trees.ts';

/** What a person says of a change of type; expressions name the column. */
export interface RetypeRequest {
  readonly type: string;
  readonly using: string | null;
  readonly back: string | null;
  /** That of another column, whose expressions these are: they name that one. */
  readonly like?: Retype;
}

/** A column of a table, and its type as PostgreSQL prints it. */
interface TypedColumn {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
}

/**
 * What the change of a column to another type is, with both of its conversions checked by PostgreSQL: that they are SQL over the column alone, of the type, and
 * give the same for the same value at all times. In a transaction that is rolled back, under qualified names.
 * @throws PH1043 for an expression that cannot stand, PH1044 for a type that there is not.
 */
export async function readRetype(db: Queryable, column: TypedColumn, request: RetypeRequest): Promise<Retype> {
  const type = await printedType(db, request.type);
  const typed = `${column.type}${column.collation === null ? '' : ` COLLATE ${column.collation}`}`;
  const asked = { column: column.name, from: typed, to: type };
  const { using, like } = request;
  const forward = await conversion(db, { ...asked, flag: '--using', expression: using, parsed: like?.forward.sql });
  const back = await conversion(db, {
    ...asked,
    from: type,
    to: typed,
    flag: '--back',
    expression: request.back,
    parsed: like?.back.sql,
  });
  return { type, byteEqual: await isByteEqual(db, type), forward, back };
}

/** A type as PostgreSQL prints it under qualified names. @throws PH1044 */
export async function printedType(db: Queryable, text: string): Promise<string> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new PhaseError('PH1044', { type: text, reason }, { cause });
  };
  const trees = await treesOf(`SELECT NULL::${text}`).catch((error) => refuse(reasonOf(error), error));
  const casts = nodesOf(trees, 'TypeCast');
  if (trees.length !== 1 || casts.length !== 1 || nodesOf(trees, 'ResTarget').length !== 1)
    return refuse('It is no name of a type.');
  if (/^\s*(?:small|big)?serial\d?\s*$/i.test(text))
    return refuse('A serial is no type, but an integer with a default.');
  const read = (): Promise<{ type: string }> =>
    one(
      db,
      `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = 'pg_temp.triphase_type'::pg_catalog.regclass AND a.attname = 'value'`,
    );
  const make = (): Promise<unknown> => db.query(`CREATE TEMPORARY TABLE triphase_type (value ${text})`);
  await inSavepoint(db, make).catch(async (error) => {
    // One of the application, by the path of its role.
    if (codeOf(error) !== sqlState.undefinedObject) refuse(reasonOf(error), error);
    await inSavepoint(db, () => underOwnNames(db, make)).catch((again) => refuse(reasonOf(again), again));
  });
  const { type } = await read();
  await db.query('DROP TABLE pg_temp.triphase_type');
  return type;
}

interface Asked {
  readonly column: string;
  readonly from: string;
  readonly to: string;
  readonly flag: '--using' | '--back';
  /** As it was given; null for PostgreSQL's own cast. */
  readonly expression: string | null;
  /** The same with `$1` in the place of the column, where it was parsed before. */
  readonly parsed?: string | undefined;
}

async function conversion(db: Queryable, asked: Asked): Promise<Conversion> {
  const { column, from, to, expression } = asked;
  const ownCasts = ['$1', `CAST($1 AS ${to})`, `CAST(CAST($1 AS text) AS ${to})`];
  const candidates =
    expression === null
      ? ownCasts
      : [asked.parsed ?? (await overParameters({ ...asked, expression, columns: [column] }))];
  let refused: unknown;
  for (const sql of candidates) {
    const found = await inSavepoint(db, () => generate(db, { column, from, to, sql })).then(
      () => null,
      (error: unknown) => error ?? new Error('refused'),
    );
    const isOfLabels =
      (expression === null || (await isCast(expression))) &&
      codeOf(found) === sqlState.invalidObjectDefinition &&
      (await isEnum(db, from, to));
    if (found === null || isOfLabels) return { sql, mayFail: expression !== null || !isSafe(from, to) };
    refused = found;
    // No cast of an assignment: it may be one that has to be asked for.
    if (codeOf(found) !== sqlState.datatypeMismatch && codeOf(found) !== sqlState.cannotCoerce) break;
  }
  throw new PhaseError(
    'PH1043',
    { ...asked, expression: expression ?? `${column}::${to}`, reason: reasonOf(refused) },
    { cause: refused },
  );
}

/** Whether an expression does nothing but cast the column, by way of a text perhaps. */
async function isCast(expression: string): Promise<boolean> {
  const trees = await expressionTrees(expression);
  const others = ['FuncCall', 'A_Const', 'A_Expr', 'CaseExpr', 'CoalesceExpr', 'SQLValueFunction'];
  const names = nodesOf(trees, 'TypeName').map(({ names: parts }) => nodesOf(parts, 'String').at(-1)?.sval);
  // The last type is the one that is wanted, as PostgreSQL says.
  return others.every((kind) => nodesOf(trees, kind).length === 0) && names.slice(1).every((name) => name === 'text');
}

/** Whether an enum is one of them: PostgreSQL does not call its casts immutable, since a label may get another name, which nobody does while it is in use. */
async function isEnum(db: Queryable, ...types: readonly string[]): Promise<boolean> {
  const { found } = await one<{ found: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM pg_catalog.unnest($1::text[]) AS t(name) JOIN pg_catalog.pg_type y ON y.oid = pg_catalog.to_regtype(t.name)
       JOIN pg_catalog.pg_type e ON e.oid IN (y.oid, y.typelem) WHERE e.typtype = 'e') AS found`,
    [types],
  );
  return found;
}

/** A generated column takes what a sync may take: no subquery, nothing but the row, and the same at all times. */
async function generate(
  db: Queryable,
  { column, from, to, sql }: Pick<Asked, 'column' | 'from' | 'to'> & { sql: string },
): Promise<void> {
  const name = quoteIdent(column);
  const other = quoteIdent(`${column.slice(0, 40)} triphase`);
  await db.query(`CREATE TEMPORARY TABLE triphase_conversion (${name} ${from},
    ${other} ${to} GENERATED ALWAYS AS (${converted({ sql, mayFail: false }, name)}) STORED)`);
  await db.query('DROP TABLE pg_temp.triphase_conversion');
}

async function isByteEqual(db: Queryable, type: string): Promise<boolean> {
  await db.query(`CREATE TEMPORARY TABLE triphase_type (value ${type})`);
  const { oid } = await one<{ oid: string }>(
    db,
    `SELECT 'pg_temp.triphase_type'::pg_catalog.regclass::oid::int8::text AS oid`,
  );
  const { byteEqual } = await readColumn(db, Number(oid), { schema: 'pg_temp', name: 'triphase_type' }, 'value');
  await db.query('DROP TABLE pg_temp.triphase_type');
  return byteEqual;
}

/** Types whose every value is one of those that follow. Source: https://www.postgresql.org/docs/current/datatype-numeric.html */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'real', 'double precision', 'text', 'character varying'],
  integer: ['bigint', 'numeric', 'double precision', 'text', 'character varying'],
  bigint: ['numeric', 'text', 'character varying'],
  real: ['double precision', 'text', 'character varying'],
  numeric: ['text', 'character varying'],
  uuid: ['text', 'character varying'],
  boolean: ['integer', 'text', 'character varying'],
  date: ['text', 'character varying'],
  'character varying': ['text'],
  text: ['character varying'],
};

/** Whether there is a value for each; of types that are not listed here nobody knows. */
function isSafe(from: string, to: string): boolean {
  const base = from.replace(/ COLLATE .*$/, '').replace(/\(.*?\)/, '');
  return WIDER[base]?.includes(to.replace(/ COLLATE .*$/, '')) === true || from === to;
}
