import type { CallExpression, Expression, Identifier, Node, SourceFile } from 'typescript-5';
import { assembled } from './assembled.ts';
import { type Scope, UNKNOWN_TABLE } from './in-sql.ts';
import { type Meaning, meaningAmong, meaningOfTable, type Target } from './target.ts';
import type { TypeScript } from './typescript.ts';

/** Calls whose argument is the table of a query, whatever it is. */
const TABLE_CALLS =
  /^(?:knex|db|trx|tx|from|into|table|leftJoin|rightJoin|innerJoin|fullJoin|crossJoin|selectFrom|insertInto|updateTable|deleteFrom|replaceInto|alterTable|createTable|getRepository|model|define)$/;
/** Calls that have a table as their argument, or rows, conditions, or paths of files. */
const MAYBE_TABLE_CALLS = /^(?:join|insert|update|delete|select|query)$/;
/** What comes before the model: `prisma.user.findMany`. */
const CLIENTS = /^(?:prisma|db|client|tx)$/i;

/** Tables of a query, by the names that they have in it; a table that nobody knows is `unknown`. */
export class Queries {
  readonly #ts: TypeScript;
  readonly #source: SourceFile;
  readonly #target: Target;
  readonly #constants: ReadonlyMap<string, string>;
  readonly #variables: Variables;

  /** @param constants texts of constants of the file, by their names. */
  constructor(ts: TypeScript, source: SourceFile, target: Target, constants: ReadonlyMap<string, string>) {
    this.#ts = ts;
    this.#source = source;
    this.#target = target;
    this.#constants = constants;
    this.#variables = variablesOf(ts, source);
  }

  /** Of the nearest query that a node stands in, or that its object is; empty where it stands in none. */
  around(node: Node): Scope {
    const ts = this.#ts;
    for (let at: Node | undefined = node; at !== undefined && !ts.isSourceFile(at); at = at.parent) {
      if (!ts.isCallExpression(at) && !ts.isTaggedTemplateExpression(at)) continue;
      const whole = this.#wholeChain(at);
      const scope = this.#ofChain(whole);
      if (scope.size > 0) return scope;
      at = whole;
    }
    return new Map();
  }

  /** From a call on: `db('users').where(...)` up to its last call. */
  #wholeChain(call: Node): Node {
    const ts = this.#ts;
    let at = call;
    while (at.parent !== undefined) {
      const { parent } = at;
      const isObject = ts.isPropertyAccessExpression(parent) && parent.expression === at;
      const isCallee = ts.isCallExpression(parent) && parent.expression === at;
      if (!isObject && !isCallee && !ts.isNonNullExpression(parent)) return at;
      at = parent;
    }
    return at;
  }

  /** What `.with('name', query)` passes on. */
  #commonTables(chain: Node): Scope {
    const ts = this.#ts;
    const ctes = new Map<string, Meaning>();
    for (let at: Node = chain; ts.isCallExpression(at) || ts.isPropertyAccessExpression(at); at = at.expression) {
      if (!ts.isCallExpression(at) || !/^with/i.test(nameOfCall(ts, at))) continue;
      const [name, query] = at.arguments;
      if (name === undefined || query === undefined || !ts.isStringLiteralLike(name)) continue;
      ctes.set(name.text, this.#meaningOfQuery(query));
    }
    return ctes;
  }

  #meaningOfQuery(query: Node): Meaning {
    const ts = this.#ts;
    if (ts.isArrowFunction(query) && !ts.isBlock(query.body)) return this.#meaningOfQuery(query.body);
    const chain = (ts.isIdentifier(query) ? this.#held(query) : undefined) ?? query;
    return ts.isCallExpression(chain) ? (meaningAmong([...this.#ofChain(chain).values()]) ?? 'unknown') : 'unknown';
  }

  /** What a variable holds where it is used: the last of its name that was declared before. */
  #held(variable: Identifier): Expression | undefined {
    const all = this.#variables.get(variable.text) ?? [];
    return all.findLast(({ pos, end }) => pos < variable.pos && !(pos <= variable.pos && variable.end <= end));
  }

  #ofChain(chain: Node): Map<string, Meaning> {
    const ts = this.#ts;
    const found = new Map<string, Meaning>();
    const aliases: string[] = [];
    const ctes = this.#commonTables(chain);
    for (let at: Node = chain; ; ) {
      if (ts.isCallExpression(at)) {
        const name = nameOfCall(ts, at);
        for (const [alias, meaning] of this.#ofCall(name, at, ctes)) if (!found.has(alias)) found.set(alias, meaning);
        if (name === 'createQueryBuilder') aliases.push(...textsOf(ts, at));
        at = at.expression;
      } else if (ts.isPropertyAccessExpression(at)) {
        const { expression, name } = at;
        if (ts.isPropertyAccessExpression(expression) && CLIENTS.test(expression.expression.getText(this.#source)))
          found.set(expression.name.text, meaningOfTable(expression.name.text, this.#target));
        else if (ts.isPropertyAccessExpression(expression) || ts.isIdentifier(expression))
          this.#ofRepository(nameOf(ts, expression), name.text, found);
        at = expression;
      } else if (ts.isAwaitExpression(at) || ts.isParenthesizedExpression(at) || ts.isNonNullExpression(at))
        at = at.expression;
      else {
        const held = ts.isIdentifier(at) && at !== chain ? this.#held(at) : undefined;
        // A variable that holds the query to which more is added. It was declared before, so that this comes to an end.
        if (found.size === 0 && held !== undefined && ts.isCallExpression(held))
          for (const [alias, meaning] of this.#ofChain(held)) found.set(alias, meaning);
        break;
      }
    }
    // TypeORM names the table of the repository by the alias.
    const [table] = found.values();
    if (table !== undefined) for (const alias of aliases) found.set(alias, table);
    return found;
  }

  /** `userRepository.update(...)`. */
  #ofRepository(owner: string, method: string, found: Map<string, Meaning>): void {
    if (!/^(?:find|save|insert|update|delete|upsert|count|exists?|createQueryBuilder|query)/.test(method)) return;
    if (this.#target.words.has(owner)) found.set(owner, 'own');
  }

  #ofCall(name: string, call: CallExpression, ctes: Scope): [string, Meaning][] {
    const ts = this.#ts;
    const [first] = call.arguments;
    const isTable = TABLE_CALLS.test(name);
    if (first === undefined || (!isTable && !MAYBE_TABLE_CALLS.test(name))) return [];
    const text = isTextLike(ts, first)
      ? assembled(ts, first, this.#source, this.#constants).text
      : this.#constants.get(first.getText(this.#source));
    if (text !== undefined) {
      const [, table, alias] = /^(?:\w+\.)?(\w+)(?:\s+(?:as\s+)?(\w+))?$/i.exec(text) ?? [];
      // `.select('email')` names no table.
      if (table === undefined || /^(?:select|query|insert|update|delete)$/.test(name)) return [];
      const meaning = table.startsWith(UNKNOWN_TABLE) ? 'unknown' : meaningOfTable(table, this.#target);
      return [[alias ?? table, ctes.get(table) ?? meaning]];
    }
    if (ts.isObjectLiteralExpression(first) && isTable)
      return first.properties.flatMap((property): [string, Meaning][] => {
        if (!ts.isPropertyAssignment(property) || !ts.isStringLiteralLike(property.initializer)) return [];
        return [[property.name.getText(this.#source), meaningOfTable(property.initializer.text, this.#target)]];
      });
    const named = nameOf(ts, first);
    if (named === '')
      return isTable && !ts.isFunctionLike(first) && !ts.isObjectLiteralExpression(first) ? [['', 'unknown']] : [];
    if (this.#target.words.has(named)) return [[named, 'own']];
    if (this.#target.others.has(named) || /^[A-Z][a-z]/.test(named)) return isModel(named) ? [[named, 'other']] : [];
    return isTable ? [[named, 'unknown']] : [];
  }
}

const isTextLike = (ts: TypeScript, node: Node): boolean =>
  ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || ts.isBinaryExpression(node);

/** A class or a type, or a word for a table. */
const isModel = (name: string): boolean => !/(?:Error|Exception|Date|Promise|Object|Array|Set|Map)$/.test(name);

function nameOfCall(ts: TypeScript, call: CallExpression): string {
  return nameOf(ts, call.expression);
}

/** `users` of `users`, `schema.users` and `this.users`. */
export function nameOf(ts: TypeScript, expression: Node): string {
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isPropertyAccessExpression(expression) ? expression.name.text : '';
}

const textsOf = (ts: TypeScript, call: CallExpression): string[] =>
  call.arguments.flatMap((argument) => (ts.isStringLiteralLike(argument) ? [argument.text] : []));

/** What variables are declared with, by their names, in the order of the file. */
type Variables = ReadonlyMap<string, readonly Expression[]>;

function variablesOf(ts: TypeScript, source: SourceFile): Variables {
  const found = new Map<string, Expression[]>();
  const visit = (node: Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      found.set(node.name.text, [...(found.get(node.name.text) ?? []), node.initializer]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Texts of constants: `TABLE` of `const TABLE = 'users'`, `T.users` of `const T = { users: 'users' }`. */
export function constantsOf(ts: TypeScript, source: SourceFile): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, values] of variablesOf(ts, source)) {
    const [value] = values;
    // Of two of a name nobody knows which one is meant.
    if (value === undefined || values.length > 1) continue;
    const bare = ts.isAsExpression(value) ? value.expression : value;
    if (ts.isStringLiteralLike(bare)) found.set(name, bare.text);
    if (!ts.isObjectLiteralExpression(bare)) continue;
    for (const property of bare.properties)
      if (ts.isPropertyAssignment(property) && ts.isStringLiteralLike(property.initializer))
        found.set(`${name}.${property.name.getText(source)}`, property.initializer.text);
  }
  return found;
}
