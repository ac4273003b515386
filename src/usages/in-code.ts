import type { Node, SourceFile } from 'typescript-5';
import { patternOf } from '../domain/pattern.ts';
import { isAboutTable, isNamedLike, named } from './about.ts';
import { type Assembled, assembled, isJoin } from './assembled.ts';
import { placesInSql, type Scope, UNKNOWN_TABLE } from './in-sql.ts';
import { constantsOf, nameOf, Queries } from './queries.ts';
import { type Certainty, Lines, type Meaning, meaningAmong, type Target } from './target.ts';
import type { TypeScript } from './typescript.ts';

const SQL = /\b(?:select|insert|update|delete|from|where|join|set|returning|order by|alter|create)\b/i;

/** What lines of a file of JavaScript or TypeScript mean by a column's name: in SQL, or as people write it in code. */
export async function linesOfCode(ts: TypeScript, file: string, text: string, target: Target): Promise<Lines> {
  const kind = file.endsWith('x') ? ts.ScriptKind.TSX : undefined;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  const reader = new CodeReader(ts, source, target, isNamedLike(file, target));
  await reader.visit(source);
  return reader.lines;
}

class CodeReader {
  readonly lines = new Lines();
  readonly #ts: TypeScript;
  readonly #source: SourceFile;
  readonly #target: Target;
  readonly #constants: ReadonlyMap<string, string>;
  readonly #queries: Queries;
  readonly #isAbout: boolean;
  /** Whether the file says what a row of the table is: then another type is something else. */
  readonly #hasOwnType: boolean;

  constructor(ts: TypeScript, source: SourceFile, target: Target, isNamedLikeTable: boolean) {
    this.#ts = ts;
    this.#source = source;
    this.#target = target;
    this.#constants = constantsOf(ts, source);
    this.#queries = new Queries(ts, source, target, this.#constants);
    this.#isAbout = isNamedLikeTable || isAboutTable(ts, source, target);
    this.#hasOwnType = hasOwnType(ts, source, target);
  }

  async visit(node: Node): Promise<void> {
    const ts = this.#ts;
    if (this.#isText(node)) {
      await this.#inText(node);
      this.#byName(node);
      // What is computed into it is code.
      if (!ts.isStringLiteralLike(node)) for (const part of expressionsIn(ts, node)) await this.visit(part);
      return;
    }
    if (ts.isIdentifier(node) && this.#target.names.has(node.text) && isProperty(ts, node))
      this.lines.add(this.#lineOf(node), this.#certaintyOfName(node));
    for (const child of node.getChildren(this.#source)) await this.visit(child);
  }

  /** A literal, a template, or what is put together of them. */
  #isText(node: Node): boolean {
    const ts = this.#ts;
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || isJoin(ts, node)) return true;
    return (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.PlusToken &&
      (this.#isText(node.left) || this.#isText(node.right))
    );
  }

  #lineOf(node: Node): number {
    return this.#source.getLineAndCharacterOfPosition(node.getStart(this.#source)).line + 1;
  }

  /** Each line of a text that has the name is one, whatever else is found out of it. */
  #byName(node: Node): void {
    const pattern = new RegExp(
      `(?<![A-Za-z0-9_$])(?:${[...this.#target.names].map(patternOf).join('|')})(?![A-Za-z0-9_$])`,
    );
    const from = this.#lineOf(node);
    node
      .getText(this.#source)
      .split('\n')
      .forEach((line, at) => {
        if (pattern.test(line)) this.lines.add(from + at, 'by_name');
      });
  }

  /** A text may be SQL, a part of it, or the name of a column, alone or with its table. */
  async #inText(node: Node): Promise<void> {
    const whole = assembled(this.#ts, node, this.#source, this.#constants);
    const { text } = whole;
    const { names } = this.#target;
    if (names.has(text)) {
      this.lines.add(this.#lineOf(node), this.#certaintyOfName(node));
      return;
    }
    if (![...names].some((name) => named(text, name))) return;
    const [, qualifier, column] = /^"?([A-Za-z_]\w*)"?\."?([A-Za-z_]\w*)"?(?: as \w+)?$/i.exec(text) ?? [];
    if (column !== undefined && names.has(column))
      this.lines.add(this.#lineOf(node), this.#certaintyOfQualifier(node, qualifier ?? ''));
    else await this.#inSql(node, whole);
  }

  async #inSql(node: Node, { text, lineOf }: Assembled): Promise<void> {
    const scope = this.#queries.around(node);
    const isStatement = SQL.test(text);
    if (!isStatement && scope.size === 0 && !this.#isSqlTag(node)) return;
    const places = await placesInSql(bound(text), this.#target, isStatement ? null : scope);
    const found = places ?? (isStatement ? await placesInSql(bound(text), this.#target, scope) : null);
    for (const { at, meaning } of found ?? []) this.lines.add(lineOf(at), this.#certaintyOf(meaning));
    if (found !== null || !isStatement) return;
    const isNamed = [...this.#target.words].some((word) => named(text, word)) || this.#meaningOf(scope) === 'own';
    for (const [, at] of matches(text, this.#target.names)) this.lines.add(lineOf(at), isNamed ? 'likely' : 'by_name');
  }

  /** Tagged by `sql`, or an argument of a call of that name. */
  #isSqlTag(node: Node): boolean {
    const { parent } = node;
    if (this.#ts.isTaggedTemplateExpression(parent)) return /sql/i.test(nameOf(this.#ts, parent.tag));
    return this.#ts.isCallExpression(parent) && /sql|raw/i.test(nameOf(this.#ts, parent.expression));
  }

  #meaningOf(scope: Scope): Meaning | null {
    return meaningAmong([...scope.values()]);
  }

  #certaintyOf(meaning: Meaning): Certainty {
    if (meaning === 'own') return 'sure';
    return meaning === 'unknown' && this.#isAbout ? 'likely' : 'by_name';
  }

  /** A name in a query is of its table; elsewhere it is likely where the file is about the table. */
  #certaintyOfName(node: Node): Certainty {
    const ts = this.#ts;
    const { words } = this.#target;
    const owner = ownerOf(ts, node);
    // `user.email`, `User.email`, `users.email`: by whatever the object is called.
    if (owner !== null) return words.has(owner) ? 'sure' : this.#certaintyOfOwned(owner);
    const scope = this.#queries.around(node);
    const meaning = this.#meaningOf(scope);
    if (meaning !== null && meaning !== 'unknown') return meaning === 'own' ? 'sure' : 'by_name';
    if ([...scope.values()].includes('own')) return 'likely';
    if (this.#hasOwnType && isOfOtherType(ts, node, this.#target)) return 'by_name';
    return this.#isAbout ? 'likely' : 'by_name';
  }

  /** Of something that is called neither like the table nor like a row of it. */
  #certaintyOfOwned(owner: string): Certainty {
    return this.#isAbout && !this.#target.others.has(owner) && !isRequest(owner) ? 'likely' : 'by_name';
  }

  /** `u.email` in a query with an alias, or somewhere else. */
  #certaintyOfQualifier(node: Node, qualifier: string): Certainty {
    const { words, others } = this.#target;
    if (words.has(qualifier)) return 'sure';
    const scope = this.#queries.around(node);
    const meaning = scope.get(qualifier);
    if (meaning !== undefined) return this.#certaintyOf(meaning);
    // Nobody says what it stands for.
    const isUnknown = scope.size === 0 || [...scope.values()].includes('unknown');
    return isUnknown && this.#isAbout && !others.has(qualifier) ? 'likely' : 'by_name';
  }
}

const matches = (text: string, names: ReadonlySet<string>): [string, number][] =>
  [...text.matchAll(new RegExp(`(?<![\\w$])(?:${[...names].map(patternOf).join('|')})(?![\\w$])`, 'g'))].map(
    (match) => [match[0], match.index],
  );

/** Parameters of libraries, in as many characters: `?`, `??`, `:id`, `$id`. */
const bound = (sql: string): string =>
  sql
    .replaceAll('??', UNKNOWN_TABLE)
    .replaceAll(/(?<![?\w])\?(?![?|&])/g, '1')
    .replaceAll(/(?<![\w:])[:$]([A-Za-z_]\w*)/g, (whole) => `$1${' '.repeat(Math.max(0, whole.length - 2))}`);

function expressionsIn(ts: TypeScript, node: Node): Node[] {
  if (ts.isTemplateExpression(node)) return node.templateSpans.map(({ expression }) => expression);
  if (ts.isBinaryExpression(node)) return [node.left, node.right].flatMap((part) => innerOf(ts, part));
  return isJoin(ts, node) ? node.expression.expression.elements.flatMap((part) => innerOf(ts, part)) : [];
}

/** Texts that are put together were read with the whole. */
function innerOf(ts: TypeScript, part: Node): Node[] {
  if (ts.isStringLiteralLike(part)) return [];
  return ts.isTemplateExpression(part) || ts.isBinaryExpression(part) || isJoin(ts, part)
    ? expressionsIn(ts, part)
    : [part];
}

/** What a name is read from: `user` of `user.email`, `ctx.user.email`, `user?.email` and `const { email } = user`. */
function ownerOf(ts: TypeScript, node: Node): string | null {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return objectOf(ts, parent.expression);
  if (!ts.isBindingElement(parent)) return null;
  const declaration = parent.parent.parent;
  return ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined
    ? objectOf(ts, declaration.initializer)
    : null;
}

function objectOf(ts: TypeScript, expression: Node): string | null {
  if (
    ts.isNonNullExpression(expression) ||
    ts.isAwaitExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isParenthesizedExpression(expression)
  )
    return objectOf(ts, expression.expression);
  return nameOf(ts, expression) || null;
}

/** What somebody has sent, and is no row yet. */
const isRequest = (owner: string): boolean =>
  /^(?:args|body|query|params|headers|req|request|props|state)$/.test(owner);

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

/** The type, the class or the constant in which something is declared: `Users` of `interface Users { email: string }`. */
function declaredIn(ts: TypeScript, node: Node): string | null {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isInterfaceDeclaration(at) || ts.isTypeAliasDeclaration(at) || ts.isClassDeclaration(at))
      return at.name?.text ?? null;
    // `const UserSchema = z.object({ email: z.string() })`
    if (ts.isVariableDeclaration(at) && ts.isIdentifier(at.name))
      return /^[A-Z][a-z]/.test(at.name.text) ? at.name.text : null;
    if (ts.isFunctionLike(at) && !ts.isMethodSignature(at)) return null;
  }
  return null;
}

/** `User`, `NewUser`, `UserUpdate`, `IUser`. */
function isOwnType(name: string, { words }: Target): boolean {
  const parts = name.match(/[A-Z][a-z0-9]*|[a-z0-9]+/g) ?? [];
  return parts.some((_part, from) =>
    parts.some((_end, to) => to >= from && words.has(parts.slice(from, to + 1).join(''))),
  );
}

function isOfOtherType(ts: TypeScript, node: Node, target: Target): boolean {
  const name = declaredIn(ts, node);
  return name !== null && !isOwnType(name, target);
}

function hasOwnType(ts: TypeScript, source: SourceFile, target: Target): boolean {
  return source.statements.some((statement) => {
    if (
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isClassDeclaration(statement)
    )
      return statement.name !== undefined && isOwnType(statement.name.text, target);
    return (
      ts.isVariableStatement(statement) &&
      statement.declarationList.declarations.some(
        ({ name }) => ts.isIdentifier(name) && /^[A-Z][a-z]/.test(name.text) && isOwnType(name.text, target),
      )
    );
  });
}
