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
  /** The record that its rows go into; null where none does. */
  readonly record: string | null;
}

/** The body of a function, taken apart by PostgreSQL's own parsers. */
export interface Body {
  readonly statements: readonly BodyStatement[];
  /** Fields of records that it names, those of NEW and OLD among them. */
  readonly fields: readonly { readonly record: string; readonly name: string }[];
  /** Fields of NEW that it gives a value. */
  readonly assignedFields: readonly string[];
  /** Types that it takes from elsewhere, such as `users.email%type`, in lower case. */
  readonly takenTypes: readonly string[];
  /** Names of its variables and arguments. */
  readonly variables: readonly string[];
  /** Of what table each variable holds a row, as it is declared: by its type, or with %ROWTYPE. */
  readonly rowTypes: ReadonlyMap<string, string>;
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
  const statements = trees.map((tree, at) => ({
    tree,
    returned: at === trees.length - 1,
    variables: 0,
    record: null,
  }));
  const none = { fields: [], assignedFields: [], takenTypes: [], variables: [], rowTypes: new Map<string, string>() };
  return { ...none, statements, texts: textsIn(trees) };
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
  for (const { node, returned, variables, record } of [...expressionsIn(parsed, NOWHERE), ...fetched(parsed)]) {
    const sql = statementOf(node);
    for (const tree of sql === null ? [] : await treesOf(sql)) statements.push({ tree, returned, variables, record });
  }
  return {
    statements,
    fields: fieldsOf(parsed),
    assignedFields: assignedFieldsOf(parsed),
    takenTypes: nodesOf(parsed, 'PLpgSQL_type')
      .map(({ typname }) => String(typname).toLowerCase())
      .filter((type) => type.includes('%')),
    variables: nodesOf(parsed, 'PLpgSQL_var').map(({ refname }) => String(refname)),
    rowTypes: rowTypesOf(parsed, definition),
    texts: textsIn(statements.map(({ tree }) => tree)),
  };
}

/** The parser knows no catalogue: rows of a table's type have no fields for it, those of type record have any. */
function asRecords(definition: string): string {
  return definition.replace(new RegExp(String.raw`${PATH}\s*%\s*ROWTYPE\b`, 'gi'), 'record');
}

/** Constants that are texts. */
function textsIn(trees: readonly SqlNode[]): string[] {
  return nodesOf(trees, 'A_Const').flatMap(({ sval }) => (sval as { sval?: string } | undefined)?.sval ?? []);
}

function datumsOf(parsed: SqlNode | undefined): readonly SqlNode[] {
  return ((parsed?.PLpgSQL_function ?? {}) as { datums?: readonly SqlNode[] }).datums ?? [];
}

function fieldsOf(parsed: SqlNode | undefined): Body['fields'] {
  const datums = datumsOf(parsed);
  return nodesOf(parsed, 'PLpgSQL_recfield').map(({ fieldname, recparentno = 0 }) => ({
    record: recordOf(datums[Number(recparentno)]) ?? '',
    name: String(fieldname),
  }));
}

function recordOf(variable: unknown): string | null {
  const { PLpgSQL_rec } = (variable ?? {}) as { PLpgSQL_rec?: { refname?: string } };
  return PLpgSQL_rec?.refname ?? null;
}

function rowTypesOf(parsed: SqlNode | undefined, definition: string): ReadonlyMap<string, string> {
  const typed = nodesOf(parsed, 'PLpgSQL_var').map(({ refname, datatype }) => {
    const { typname } = ((datatype as SqlNode | undefined)?.PLpgSQL_type ?? {}) as { typname?: string };
    return [String(refname), pathIn(String(typname))] as const;
  });
  const rows = [...withoutComments(definition).matchAll(ROW_VARIABLE)].map(({ groups }) => {
    const { variable = '', type = '' } = groups ?? {};
    return [pathIn(variable), pathIn(type)] as const;
  });
  return new Map([...typed, ...rows]);
}

const NAME = String.raw`(?:[\w$]+|"(?:[^"]|"")+")`;
const PATH = String.raw`${NAME}(?:\s*\.\s*${NAME})*`;
const ROW_VARIABLE = new RegExp(
  String.raw`(?<variable>${NAME})\s+(?:CONSTANT\s+)?(?<type>${PATH})(?:\s*%\s*ROWTYPE)?\s*(?:;|:?=|DEFAULT\b|NOT\b)`,
  'gi',
);

function withoutComments(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
}

/** Names as PostgreSQL folds them, joined by dots, without quotes. */
function pathIn(text: string): string {
  const names = text.match(new RegExp(NAME, 'g')) ?? [];
  return names
    .map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()))
    .join('.');
}

/** What cursors read, where it is fetched or looped over. */
function fetched(parsed: SqlNode | undefined): FoundExpression[] {
  const fetches = [
    ...nodesOf(parsed, 'PLpgSQL_stmt_fetch'),
    ...nodesOf(parsed, 'PLpgSQL_stmt_forc').map((loop) => ({ ...loop, target: loop.var })),
  ] as SqlNode[];
  const bound = datumsOf(parsed).map(
    ({ PLpgSQL_var: cursor }) => (cursor as SqlNode | undefined)?.cursor_explicit_expr,
  );
  const opened = nodesOf(parsed, 'PLpgSQL_stmt_open');
  return fetches.flatMap((fetch) => {
    const queries = [
      bound[Number(fetch.curvar)],
      ...opened.filter(({ curvar }) => curvar === fetch.curvar).map(({ query }) => query),
    ];
    return queries.flatMap((query) => expressionsIn(query, into(fetch.target)));
  });
}

/** By assignments, and as targets of INTO. */
function assignedFieldsOf(parsed: SqlNode | undefined): string[] {
  const datums = datumsOf(parsed);
  const numbers = nodesOf(parsed, 'PLpgSQL_stmt_assign').map(({ varno }) => Number(varno));
  const assigned = numbers.flatMap((number) => {
    const field = datums[number]?.PLpgSQL_recfield as { fieldname?: string; recparentno?: number } | undefined;
    return field?.fieldname !== undefined && (field.recparentno ?? 0) === 0 ? [field.fieldname] : [];
  });
  const targets = nodesOf(parsed, 'PLpgSQL_row').flatMap(
    ({ fields }) => (fields ?? []) as { readonly name?: string }[],
  );
  const into = targets.flatMap(({ name }) => (name?.startsWith('new.') ? [name.slice('new.'.length)] : []));
  return [...new Set([...assigned, ...into])];
}

/** Where the rows of a statement go. */
type Destination = Omit<BodyStatement, 'tree'>;

const NOWHERE: Destination = { returned: false, variables: 0, record: null };

interface FoundExpression extends Destination {
  readonly node: PlpgsqlExpression;
}

/** Every expression of a tree of plpgsql, with what its statement does with the rows. */
function expressionsIn(node: unknown, destination: Destination): FoundExpression[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => expressionsIn(item, destination));
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'PLpgSQL_expr') return [{ ...destination, node: value as PlpgsqlExpression }];
    if (key === 'PLpgSQL_stmt_return_query') return expressionsIn(value, { ...NOWHERE, returned: true });
    if (key === 'PLpgSQL_stmt_execsql') return expressionsIn(value, into((value as SqlNode).target));
    if (key === 'PLpgSQL_stmt_fors') {
      const { query, ...rest } = value as SqlNode;
      return [...expressionsIn(query, into(rest.var)), ...expressionsIn(rest, NOWHERE)];
    }
    return expressionsIn(value, key.startsWith('PLpgSQL_stmt') ? NOWHERE : destination);
  });
}

/** Several variables, or one record. */
function into(target: unknown): Destination {
  const fields = nodesOf(target, 'PLpgSQL_row')[0]?.fields;
  const variables = Array.isArray(fields) && fields.length > 1 ? fields.length : 0;
  return { returned: false, variables, record: recordOf(target) };
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
