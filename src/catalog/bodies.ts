import { parse, parsePlPgSQL } from 'libpg-query';

/** A part of PostgreSQL's tree of a statement. */
export type SqlNode = Readonly<Record<string, unknown>>;

/** A statement of a function's body, and what becomes of its rows. */
export interface BodyStatement {
  readonly tree: SqlNode;
  /** Its rows are the function's own: RETURN QUERY, or the last statement of a function in SQL. */
  readonly returned: boolean;
  /** Into how many variables its columns go, by their order; 0 where they do not. */
  readonly variables: number;
}

/** The body of a function, taken apart by PostgreSQL's own parsers. */
export interface Body {
  readonly statements: readonly BodyStatement[];
  /** Fields of NEW and OLD that it names. */
  readonly rowFields: readonly string[];
  /** Fields of NEW that it gives a value. */
  readonly assignedFields: readonly string[];
  /** Types that it takes from elsewhere, such as `users.email%type`, in lower case. */
  readonly takenTypes: readonly string[];
  /** Names of its variables and arguments. */
  readonly variables: readonly string[];
  /** Texts in it, of which it may run any. */
  readonly texts: readonly string[];
}

/**
 * Takes a function's body apart.
 * @param definition as pg_get_functiondef prints it.
 * @returns null where it cannot be: another language, or something that these parsers do not know.
 */
export async function bodyOf(definition: string, source: string, language: string): Promise<Body | null> {
  try {
    if (language === 'sql') return await sqlBody(source);
    return language === 'plpgsql' ? await plpgsqlBody(definition) : null;
  } catch {
    return null;
  }
}

async function sqlBody(source: string): Promise<Body> {
  const trees = await treesOf(source);
  const statements = trees.map((tree, at) => ({ tree, returned: at === trees.length - 1, variables: 0 }));
  return { statements, rowFields: [], assignedFields: [], takenTypes: [], variables: [], texts: textsIn(trees) };
}

async function treesOf(sql: string): Promise<SqlNode[]> {
  const { stmts = [] } = (await parse(sql)) as { stmts?: readonly { readonly stmt: SqlNode }[] };
  return stmts.map(({ stmt }) => stmt);
}

/** How libpg-query says what an expression of plpgsql is: a statement, an expression, or an assignment to 1 to 3 names. */
interface PlpgsqlExpression {
  readonly query: string;
  readonly parseMode: 0 | 1 | 2 | 3 | 4 | 5;
}

async function plpgsqlBody(definition: string): Promise<Body> {
  const [parsed] = ((await parsePlPgSQL(asRecords(definition))) as { plpgsql_funcs: readonly SqlNode[] }).plpgsql_funcs;
  const statements: BodyStatement[] = [];
  for (const { node, returned, variables } of expressionsIn(parsed)) {
    const sql = statementOf(node);
    for (const tree of sql === null ? [] : await treesOf(sql)) statements.push({ tree, returned, variables });
  }
  return {
    statements,
    rowFields: nodesOf(parsed, 'PLpgSQL_recfield').map(({ fieldname }) => String(fieldname)),
    assignedFields: assignedFieldsOf(parsed),
    takenTypes: nodesOf(parsed, 'PLpgSQL_type')
      .map(({ typname }) => String(typname).toLowerCase())
      .filter((type) => type.includes('%')),
    variables: nodesOf(parsed, 'PLpgSQL_var').map(({ refname }) => String(refname)),
    texts: textsIn(statements.map(({ tree }) => tree)),
  };
}

/** The parser knows no catalogue: rows of a table's type have no fields for it, those of type record have any. */
function asRecords(definition: string): string {
  return definition.replace(
    /(?:[\w$]+|"(?:[^"]|"")+")(?:\s*\.\s*(?:[\w$]+|"(?:[^"]|"")+"))*\s*%\s*ROWTYPE\b/gi,
    'record',
  );
}

/** Constants that are texts. */
function textsIn(trees: readonly SqlNode[]): string[] {
  return nodesOf(trees, 'A_Const').flatMap(({ sval }) => (sval as { sval?: string } | undefined)?.sval ?? []);
}

/** By assignments, and as targets of INTO. */
function assignedFieldsOf(parsed: SqlNode | undefined): string[] {
  const { datums } = (parsed?.PLpgSQL_function ?? {}) as { datums?: readonly SqlNode[] };
  const numbers = nodesOf(parsed, 'PLpgSQL_stmt_assign').map(({ varno }) => Number(varno));
  const assigned = numbers.flatMap((number) => {
    const field = datums?.[number]?.PLpgSQL_recfield as { fieldname?: string; recparentno?: number } | undefined;
    return field?.fieldname !== undefined && (field.recparentno ?? 0) === 0 ? [field.fieldname] : [];
  });
  const targets = nodesOf(parsed, 'PLpgSQL_row').flatMap(
    ({ fields }) => (fields ?? []) as { readonly name?: string }[],
  );
  const into = targets.flatMap(({ name }) => (name?.startsWith('new.') ? [name.slice('new.'.length)] : []));
  return [...new Set([...assigned, ...into])];
}

interface FoundExpression {
  readonly node: PlpgsqlExpression;
  readonly returned: boolean;
  readonly variables: number;
}

/** Every expression of a tree of plpgsql, with what its statement does with the rows. */
function expressionsIn(node: unknown, returned = false, variables = 0): FoundExpression[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => expressionsIn(item, returned, variables));
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'PLpgSQL_expr') return [{ node: value as PlpgsqlExpression, returned, variables }];
    if (key === 'PLpgSQL_stmt_return_query') return expressionsIn(value, true, 0);
    if (key === 'PLpgSQL_stmt_execsql') return expressionsIn(value, false, targets(value as SqlNode));
    return expressionsIn(
      value,
      key.startsWith('PLpgSQL_stmt') ? false : returned,
      key.startsWith('PLpgSQL_stmt') ? 0 : variables,
    );
  });
}

function targets({ target }: SqlNode): number {
  const fields = nodesOf(target, 'PLpgSQL_row')[0]?.fields;
  return Array.isArray(fields) && fields.length > 1 ? fields.length : 0;
}

/** As a statement of SQL; null for what names nothing but a type. */
function statementOf({ query, parseMode }: PlpgsqlExpression): string | null {
  if (parseMode === 0) return query;
  if (parseMode === 1) return null;
  if (parseMode === 2) return `SELECT ${query}`;
  const assigned = query.search(/:?=/);
  return assigned === -1 ? null : `SELECT ${query.slice(assigned).replace(/^:?=/, '')}`;
}

/** Every part of a tree that is of a kind, those inside others, too. */
export function nodesOf(node: unknown, kind: string): SqlNode[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => nodesOf(item, kind));
  return Object.entries(node).flatMap(([key, value]) => [
    ...(key === kind ? [value as SqlNode] : []),
    ...nodesOf(value, kind),
  ]);
}
