import type { Node, SourceFile } from 'typescript-5';
import { meaningInSql, type Target } from './in-sql.ts';
import type { TypeScript } from './typescript.ts';
import { wordsOf } from './words.ts';

/** How sure it is that a place means the column. */
export type Certainty = 'sure' | 'likely' | 'by_name';

export interface Place {
  readonly line: number;
  readonly certainty: Certainty;
}

/** Calls that say which table a query is about. */
const TABLE_CALLS =
  /^(?:knex|db|trx|tx|from|into|table|join|leftJoin|rightJoin|innerJoin|fullJoin|crossJoin|selectFrom|insertInto|updateTable|deleteFrom|replaceInto|alterTable|createTable|withSchema|getRepository|insert|update|delete|model|define)$/;

const SQL = /\b(?:select|insert|update|delete|from|where|join|set|returning|order by)\b/i;

/**
 * Where a file of JavaScript or TypeScript names a column: by its name in SQL, or as people write it in code.
 * @param names the column as SQL has it, and in camel case. @param others words for other tables.
 */
export async function placesInCode(
  ts: TypeScript,
  file: string,
  text: string,
  {
    target,
    names,
    others,
  }: { readonly target: Target; readonly names: ReadonlySet<string>; readonly others: ReadonlySet<string> },
): Promise<Place[]> {
  const source = ts.createSourceFile(
    file,
    text,
    ts.ScriptTarget.Latest,
    true,
    file.endsWith('x') ? ts.ScriptKind.TSX : undefined,
  );
  const words = wordsOf(target.table);
  const isAboutTable = namesTable(ts, source, words) || wordsInPath(file, words);
  const around: Around = { source, target, names, words, others, isAboutTable };
  const found: Place[] = [];
  const at = (node: Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const visit = async (node: Node): Promise<void> => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      found.push(...(await inText(ts, node, around)));
      if (ts.isTemplateExpression(node)) for (const span of node.templateSpans) await visit(span.expression);
      return;
    }
    if (ts.isIdentifier(node) && names.has(node.text) && isProperty(ts, node)) {
      found.push({ line: at(node), certainty: certaintyOfName(ts, node, around) });
    }
    for (const child of node.getChildren(source)) await visit(child);
  };
  await visit(source);
  return found;
}

interface Around {
  readonly source: SourceFile;
  readonly target: Target;
  readonly names: ReadonlySet<string>;
  readonly words: ReadonlySet<string>;
  /** Words for other tables. */
  readonly others: ReadonlySet<string>;
  readonly isAboutTable: boolean;
}

/** A text may be SQL, or the name of a column, alone or with its table. */
async function inText(ts: TypeScript, node: Node, around: Around): Promise<Place[]> {
  const { source, target, names, words } = around;
  const raw = node.getText(source);
  const content = ts.isStringLiteralLike(node) ? node.text : raw.slice(1, -1).replaceAll(/\$\{[^}]*\}/g, '$1');
  const start = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  if (names.has(content)) return [{ line: start, certainty: certaintyOfName(ts, node, around) }];
  const [, qualifier, column] = /^"?([A-Za-z_]\w*)"?\."?([A-Za-z_]\w*)"?(?: as \w+)?$/i.exec(content) ?? [];
  if (column !== undefined && names.has(column)) {
    const certainty = words.has(qualifier ?? '') ? 'sure' : certaintyOfQualifier(ts, node, qualifier ?? '', words);
    return [{ line: start, certainty }];
  }
  if (!SQL.test(content) || !named(content, target.column))
    return lines(content, target.column, start).map((line) => ({
      line,
      certainty: words.has(content.split('.')[0] ?? '') ? 'likely' : 'by_name',
    }));
  const meaning = await meaningInSql(
    content.replaceAll(/(?<![?\w])\?(?![?|&])/g, '$1').replaceAll(/:(\w+)\b(?<!::\w+)/g, '$1'),
    target,
  );
  const isNamed = [...words].some((word) => named(content, word));
  const certainty: Certainty =
    meaning === 'own' ? 'sure' : meaning === 'other' ? 'by_name' : isNamed ? 'likely' : 'by_name';
  return lines(content, target.column, start).map((line) => ({ line, certainty }));
}

const named = (text: string, word: string): boolean =>
  new RegExp(`(?<![\\w$])${word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w$])`).test(text);

const lines = (content: string, column: string, start: number): number[] =>
  content.split('\n').flatMap((line, at) => (named(line, column) ? [start + at] : []));

/** A name in a query is of its table; elsewhere it is likely where the file is about the table. */
function certaintyOfName(ts: TypeScript, node: Node, { words, others, isAboutTable }: Around): Certainty {
  const { parent } = node;
  // `user.email`, `User.email`, `users.email`: by whatever the object is called.
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    const owner = ownerOf(ts, parent.expression);
    if (owner !== null && words.has(owner)) return 'sure';
  }
  const tables = tablesOfChain(ts, node);
  if (tables.length > 0) {
    const own = tables.filter((table) => words.has(table));
    if (own.length === 0) return 'by_name';
    return own.length === tables.length ? 'sure' : 'likely';
  }
  if (isOfOther(ts, node, others)) return 'by_name';
  return isAboutTable ? 'likely' : 'by_name';
}

/** `u.email` in a query with an alias. */
function certaintyOfQualifier(ts: TypeScript, node: Node, qualifier: string, words: ReadonlySet<string>): Certainty {
  const aliases = aliasesOfChain(ts, node);
  const table = aliases.get(qualifier);
  return table !== undefined && words.has(table) ? 'sure' : 'by_name';
}

/** `user` of `user.email`, `ctx.user.email` and `user?.email`. */
function ownerOf(ts: TypeScript, expression: Node): string | null {
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  if (
    ts.isNonNullExpression(expression) ||
    ts.isAwaitExpression(expression) ||
    ts.isParenthesizedExpression(expression)
  )
    return ownerOf(ts, expression.expression);
  return null;
}

/** A row of another table, by what it is called: `order.email`. */
function isOfOther(ts: TypeScript, node: Node, others: ReadonlySet<string>): boolean {
  const { parent } = node;
  if (!ts.isPropertyAccessExpression(parent) || parent.name !== node) return false;
  const owner = ownerOf(ts, parent.expression);
  return owner !== null && others.has(owner);
}

/** All tables that the query which a node stands in names. */
function tablesOfChain(ts: TypeScript, node: Node): string[] {
  return [...aliasesOfChain(ts, node).values()];
}

/** Tables of the outermost query around a node, by the names that they have in it. */
function aliasesOfChain(ts: TypeScript, node: Node): Map<string, string> {
  const found = new Map<string, string>();
  for (let at: Node | undefined = node; at !== undefined && !ts.isStatement(at); at = at.parent) {
    if (!ts.isCallExpression(at)) continue;
    for (const [alias, table] of tablesOfCall(ts, at)) found.set(alias, table);
  }
  return found;
}

function tablesOfCall(ts: TypeScript, call: Node): [string, string][] {
  const found: [string, string][] = [];
  for (let at: Node = call; ; ) {
    if (ts.isCallExpression(at)) {
      const name = ts.isPropertyAccessExpression(at.expression)
        ? at.expression.name.text
        : ts.isIdentifier(at.expression)
          ? at.expression.text
          : '';
      const [first] = at.arguments;
      if (first !== undefined && TABLE_CALLS.test(name)) found.push(...tableOfArgument(ts, first));
      at = at.expression;
    } else if (ts.isPropertyAccessExpression(at)) {
      // prisma.user.findMany
      if (
        ts.isPropertyAccessExpression(at.expression) &&
        /^(?:prisma|db|client|tx)$/i.test(at.expression.expression.getText())
      )
        found.push([at.expression.name.text, at.expression.name.text]);
      at = at.expression;
    } else if (ts.isAwaitExpression(at) || ts.isParenthesizedExpression(at)) at = at.expression;
    else return found;
  }
}

function tableOfArgument(ts: TypeScript, argument: Node): [string, string][] {
  if (ts.isStringLiteralLike(argument)) {
    const [, table = '', alias] = /^(?:\w+\.)?(\w+)(?:\s+(?:as\s+)?(\w+))?$/i.exec(argument.text) ?? [];
    return table === '' ? [] : [[alias ?? table, table]];
  }
  return ts.isIdentifier(argument) && /^[A-Za-z]/.test(argument.text) ? [[argument.text, argument.text]] : [];
}

/** A name of something in a row; not a variable that is called so. */
function isProperty(ts: TypeScript, node: Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isBindingElement(parent))
    return ts.isObjectBindingPattern(parent.parent) && (parent.propertyName ?? parent.name) === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const isNamed =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isEnumMember(parent);
  return isNamed && parent.name === node;
}

/** Whether a file names the table, its model or a type, anywhere. */
function namesTable(ts: TypeScript, source: SourceFile, words: ReadonlySet<string>): boolean {
  let isNamed = false;
  const visit = (node: Node): void => {
    if (isNamed) return;
    if (ts.isIdentifier(node)) isNamed = words.has(node.text);
    else if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateTail(node) ||
      ts.isTemplateMiddle(node)
    )
      isNamed = [...words].some((word) => named(node.text, word));
    if (!isNamed) ts.forEachChild(node, visit);
  };
  visit(source);
  return isNamed;
}

/** `users.ts`, `user-service.ts`, `customers/list.ts`. */
export function wordsInPath(file: string, words: ReadonlySet<string>): boolean {
  return file.split(/[/.\-_\\]/).some((part) => words.has(part));
}
