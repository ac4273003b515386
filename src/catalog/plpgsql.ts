import { parsePlPgSQL } from '../postgres/parser.ts';
import type { Body, BodyStatement } from './bodies.ts';
import { nodesOf, type SqlNode, textsIn, treesOf } from './sql-trees.ts';

/** How libpg-query says what an expression of plpgsql is: a statement, an expression, or an assignment to 1 to 3 names. */
interface PlpgsqlExpression {
  readonly query: string;
  readonly parseMode: 0 | 1 | 2 | 3 | 4 | 5;
}

/**
 * The body of a function in plpgsql.
 * @param definition as pg_get_functiondef prints it.
 * @throws what PostgreSQL's parser says of what it does not know.
 */
export async function plpgsqlBody(definition: string): Promise<Body> {
  const parsed = await parsedOf(definition);
  const datums = datumsOf(parsed);
  const statements: BodyStatement[] = [];
  for (const { node, ...destination } of [...expressionsIn(parsed, NOWHERE, datums), ...fetched(parsed, datums)]) {
    const sql = statementOf(node);
    for (const tree of sql === null ? [] : await treesOf(sql)) statements.push({ tree, ...destination });
  }
  for (const { record, value } of declaredRecords(definition, datums)) {
    const trees = await treesOf(`SELECT ${value}`).catch(() => []);
    statements.push(...trees.map((tree) => ({ tree, ...NOWHERE, record })));
  }
  const texts = textsIn(statements.map(({ tree }) => tree));
  return {
    statements,
    fields: fieldsOf(parsed, datums),
    assignedFields: assignedFieldsOf(parsed, datums),
    takenTypes: nodesOf(parsed, 'PLpgSQL_type')
      .map(({ typname }) => String(typname).toLowerCase())
      .filter((type) => type.includes('%')),
    variables: variablesOf(datums),
    aliases: new Map(
      nodesOf(parsed, 'PLpgSQL_alias').map(({ name, varno }) => [
        String(name),
        nameOf(datums[Number(varno ?? FIRST)]) ?? '',
      ]),
    ),
    returnedVariables: ['PLpgSQL_stmt_return', 'PLpgSQL_stmt_return_next']
      .flatMap((kind) => nodesOf(parsed, kind))
      .flatMap(({ retvarno }) => (retvarno === undefined ? [] : (nameOf(datums[Number(retvarno)]) ?? []))),
    texts,
    statementsInTexts: (await Promise.all(texts.map((text) => treesOf(text).catch(() => [])))).flat(),
  };
}

const NAME = String.raw`(?:[\w$]+|"(?:[^"]|"")+")`;
const PATH = String.raw`${NAME}(?:\s*\.\s*${NAME})*`;

/**
 * The parser knows no catalogue: it takes a type by its name and nothing else, arrays of %TYPE not at all. A table called like one of PostgreSQL's own types
 * would have no fields; of type record it has any.
 */
async function parsedOf(definition: string): Promise<SqlNode | undefined> {
  const single = definition.replace(/(%\s*TYPE)\s*(?:\[\d*\]|ARRAY\b(?:\s*\[\d*\])?)+/gi, '$1');
  const withRows = (replacement: string): string =>
    single.replace(new RegExp(String.raw`(${PATH})\s*%\s*ROWTYPE\b`, 'gi'), replacement);
  const parse = async (text: string): Promise<SqlNode | undefined> =>
    ((await parsePlPgSQL(text)) as { plpgsql_funcs: readonly SqlNode[] }).plpgsql_funcs[0];
  return parse(withRows('$1')).catch(() => parse(withRows('record')));
}

function datumsOf(parsed: SqlNode | undefined): readonly SqlNode[] {
  return ((parsed?.PLpgSQL_function ?? {}) as { datums?: readonly SqlNode[] }).datums ?? [];
}

/** The parser leaves out zeros: the first variable, which is NEW in a function of triggers. */
const FIRST = 0;

/** What a variable of any kind is called. */
function nameOf(variable: unknown): string | null {
  const { PLpgSQL_rec, PLpgSQL_var } = (variable ?? {}) as Record<string, { refname?: string } | undefined>;
  return (PLpgSQL_rec ?? PLpgSQL_var)?.refname ?? null;
}

function recordOf(variable: unknown): string | null {
  return 'PLpgSQL_rec' in ((variable ?? {}) as object) ? nameOf(variable) : null;
}

/** For an argument of a type that only the catalogue knows the parser says `record`. */
function variablesOf(datums: readonly SqlNode[]): Body['variables'] {
  const variables = new Map<string, string[]>();
  for (const datum of datums) {
    const name = nameOf(datum);
    const { datatype } = (datum.PLpgSQL_rec ?? datum.PLpgSQL_var ?? {}) as { datatype?: SqlNode };
    const { typname } = (datatype?.PLpgSQL_type ?? {}) as { typname?: string };
    if (name !== null) variables.set(name, [...(variables.get(name) ?? []), pathIn(typname ?? 'record')]);
  }
  return variables;
}

/** What records are given where they are declared, which the parser leaves out: `r users := ROW(1, 'a')`. */
function declaredRecords(definition: string, datums: readonly SqlNode[]): { record: string; value: string }[] {
  const types = variablesOf(datums.filter((datum) => recordOf(datum) !== null));
  const declaration = new RegExp(
    String.raw`(${NAME})\s+(?:CONSTANT\s+)?(${PATH})(?:\s*%\s*ROWTYPE)?(?:\s+NOT\s+NULL)?\s*(?::=|=|\bDEFAULT\b)((?:'[^']*'|"[^"]*"|[^;'"])*);`,
    'gi',
  );
  return [...definition.matchAll(declaration)].flatMap(([, name = '', type = '', value = '']) => {
    const record = pathIn(name);
    return types.get(record)?.includes(pathIn(type)) ? [{ record, value }] : [];
  });
}

/** Names as PostgreSQL folds them, joined by dots, without quotes; what follows them, as the brackets of an array do, stays. */
function pathIn(text: string): string {
  const folded = (name: string): string =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
  return text.replace(new RegExp(NAME, 'g'), folded).replace(/\s*\.\s*/g, '.');
}

function fieldsOf(parsed: SqlNode | undefined, datums: readonly SqlNode[]): Body['fields'] {
  return nodesOf(parsed, 'PLpgSQL_recfield').map(({ fieldname, recparentno = 0 }) => ({
    record: recordOf(datums[Number(recparentno)]) ?? '',
    name: String(fieldname),
  }));
}

/** By assignments, by GET DIAGNOSTICS, and as targets of INTO. */
function assignedFieldsOf(parsed: SqlNode | undefined, datums: readonly SqlNode[]): Body['assignedFields'] {
  const numbers = [
    ...nodesOf(parsed, 'PLpgSQL_stmt_assign').map(({ varno }) => varno),
    ...nodesOf(parsed, 'PLpgSQL_diag_item').map(({ target }) => target),
  ];
  const assigned = numbers.flatMap((number) => {
    const { fieldname, recparentno } = (datums[Number(number ?? FIRST)]?.PLpgSQL_recfield ?? {}) as SqlNode;
    const record = recordOf(datums[Number(recparentno ?? FIRST)]);
    return fieldname === undefined || record === null ? [] : [{ record, name: String(fieldname) }];
  });
  const targets = nodesOf(parsed, 'PLpgSQL_row').flatMap(
    ({ fields }) => (fields ?? []) as { readonly name?: string }[],
  );
  const into = targets.flatMap(({ name = '' }) => {
    const dot = name.indexOf('.');
    return dot === -1 ? [] : [{ record: name.slice(0, dot), name: name.slice(dot + 1) }];
  });
  return [...assigned, ...into];
}

/** Where the rows of a statement go. */
type Destination = Omit<BodyStatement, 'tree'>;

const NOWHERE: Destination = { returned: false, variables: 0, record: null };
const RETURNED: Destination = { ...NOWHERE, returned: true };

interface FoundExpression extends Destination {
  readonly node: PlpgsqlExpression;
}

/** Every expression of a tree of plpgsql, with what its statement does with the rows. */
function expressionsIn(node: unknown, destination: Destination, datums: readonly SqlNode[]): FoundExpression[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => expressionsIn(item, destination, datums));
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'PLpgSQL_expr') return [{ ...destination, node: value as PlpgsqlExpression }];
    if (key === 'PLpgSQL_stmt_fors') {
      const { query, ...rest } = value as SqlNode;
      return [...expressionsIn(query, into(rest.var), datums), ...expressionsIn(rest, NOWHERE, datums)];
    }
    return expressionsIn(value, destinationOf(key, value as SqlNode, datums) ?? destination, datums);
  });
}

/** Where a statement's rows go; null for what is no statement. */
function destinationOf(kind: string, statement: SqlNode, datums: readonly SqlNode[]): Destination | null {
  if (['PLpgSQL_stmt_return', 'PLpgSQL_stmt_return_next', 'PLpgSQL_stmt_return_query'].includes(kind)) return RETURNED;
  if (kind === 'PLpgSQL_stmt_execsql') return into(statement.target);
  if (kind === 'PLpgSQL_stmt_assign') return { ...NOWHERE, record: nameOf(datums[Number(statement.varno ?? FIRST)]) };
  return kind.startsWith('PLpgSQL_stmt') ? NOWHERE : null;
}

/** What cursors read, where it is fetched or looped over. */
function fetched(parsed: SqlNode | undefined, datums: readonly SqlNode[]): FoundExpression[] {
  const fetches = [
    ...nodesOf(parsed, 'PLpgSQL_stmt_fetch'),
    ...nodesOf(parsed, 'PLpgSQL_stmt_forc').map((loop) => ({ ...loop, target: loop.var })),
  ] as SqlNode[];
  const bound = datums.map(({ PLpgSQL_var: cursor }) => (cursor as SqlNode | undefined)?.cursor_explicit_expr);
  const opened = nodesOf(parsed, 'PLpgSQL_stmt_open');
  return fetches.flatMap((fetch) => {
    const queries = [
      bound[Number(fetch.curvar)],
      ...opened.filter(({ curvar }) => curvar === fetch.curvar).map(({ query }) => query),
    ];
    return queries.flatMap((query) => expressionsIn(query, into(fetch.target), datums));
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
