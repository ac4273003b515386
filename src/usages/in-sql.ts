import { parse } from '../postgres/parser.ts';
import { type Meaning, meaningAmong, meaningOfTable, type Target } from './target.ts';

/** A place in SQL that names the column. */
export interface SqlPlace {
  /** In characters. */
  readonly at: number;
  readonly meaning: Meaning;
}

/** Tables in reach, by the names that they have there. */
export type Scope = ReadonlyMap<string, Meaning>;

/** Stands for a table whose name is computed; no longer than `??`, so that places stay where they are. */
export const UNKNOWN_TABLE = '_q';

type Tree = Readonly<Record<string, unknown>>;

/**
 * Where SQL names a column, and what it means there: statements, or with `around` a part of one.
 * @param around tables of the query that it is a part of. Null for what PostgreSQL's parser does not take.
 */
export async function placesInSql(
  sql: string,
  target: Target,
  around: Scope | null = null,
): Promise<SqlPlace[] | null> {
  for (const prefix of around === null ? [''] : ['', 'SELECT ', 'SELECT 1 ']) {
    const trees = await parse(`${prefix}${sql}`).catch(() => null);
    if (trees === null) continue;
    const text = Buffer.from(`${prefix}${sql}`, 'utf8');
    const found: SqlPlace[] = [];
    const add = (location: number, meaning: Meaning): void => {
      const at = text.subarray(0, location).toString('utf8').length - prefix.length;
      found.push({ at: Math.max(0, at), meaning });
    };
    const scopes = around === null ? [] : [around];
    for (const { stmt, stmt_location: start = 0 } of trees.stmts ?? [])
      new Reader(target, add, start).look(stmt as unknown as Tree, scopes, new Map());
    return found;
  }
  return null;
}

const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'UpdateStmt', 'DeleteStmt', 'InsertStmt', 'MergeStmt']);

const DEFINITIONS: ReadonlySet<string> = new Set(['IndexStmt', 'CreateStmt', 'AlterTableStmt']);

class Reader {
  readonly #target: Target;
  readonly #columns: ReadonlySet<string>;
  readonly #add: (location: number, meaning: Meaning) => void;
  /** Of the statement, in bytes: not everything that names a column has a place of its own. */
  readonly #start: number;

  constructor(target: Target, add: (location: number, meaning: Meaning) => void, start: number) {
    this.#target = target;
    // SQL folds what is not quoted.
    this.#columns = new Set([...target.names].flatMap((name) => [name, name.toLowerCase()]));
    this.#add = add;
    this.#start = start;
  }

  look(node: unknown, scopes: readonly Scope[], ctes: Scope): void {
    if (Array.isArray(node)) {
      for (const one of node) this.look(one, scopes, ctes);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    for (const [kind, inner] of Object.entries(node as Tree)) {
      if (QUERIES.has(kind)) this.#query(kind, inner as Tree, scopes, ctes);
      else if (kind === 'ColumnRef') this.#reference(inner as Tree, scopes);
      else if (DEFINITIONS.has(kind)) this.#definition(inner as Tree);
      else this.look(inner, scopes, ctes);
    }
  }

  #query(kind: string, query: Tree, scopes: readonly Scope[], outer: Scope): void {
    const ctes = this.#commonTables(query, outer);
    if (kind === 'InsertStmt' || kind === 'UpdateStmt') this.#written(kind, query);
    // Queries that UNION puts together stand there without their kind.
    const { larg, rarg, ...rest } = query;
    for (const part of [larg, rarg]) if (part !== undefined) this.#query('SelectStmt', part as Tree, scopes, ctes);
    this.look(rest, [this.#scopeOf(query, ctes), ...scopes], ctes);
  }

  /** Of INSERT and UPDATE: the columns that they name are no references. */
  #written(kind: string, query: Tree): void {
    const meaning = this.#meaningOfRelation(query.relation as Tree | undefined);
    const conflict = query.onConflictClause as Tree | undefined;
    const lists = [kind === 'InsertStmt' ? query.cols : query.targetList, conflict?.targetList];
    for (const one of lists.flatMap((list) => (Array.isArray(list) ? (list as { ResTarget?: Tree }[]) : [])))
      if (this.#columns.has(String(one.ResTarget?.name))) this.#add(Number(one.ResTarget?.location), meaning);
    const infer = conflict?.infer as Tree | undefined;
    for (const { IndexElem: key } of (infer?.indexElems ?? []) as { IndexElem?: Tree }[])
      if (this.#columns.has(String(key?.name)))
        this.#add(Number(infer?.location ?? conflict?.location ?? this.#start), meaning);
  }

  /** Names of columns in what defines a table or an index. */
  #definition(node: Tree): void {
    const meaning = this.#meaningOfRelation(node.relation as Tree | undefined);
    const visit = (inner: unknown): void => {
      if (Array.isArray(inner)) for (const one of inner) visit(one);
      else if (typeof inner === 'object' && inner !== null) {
        const { name, colname, location } = inner as Tree;
        if (this.#columns.has(String(colname ?? name))) this.#add(Number(location ?? this.#start), meaning);
        for (const value of Object.values(inner)) visit(value);
      }
    };
    visit([node.indexParams, node.tableElts, node.cmds]);
  }

  #reference(ref: Tree, scopes: readonly Scope[]): void {
    const fields = (ref.fields as { String?: { sval?: string } }[]).map((field) => field.String?.sval ?? null);
    if (!this.#columns.has(fields.at(-1) ?? '')) return;
    this.#add(Number(ref.location ?? this.#start), this.#meaningOf(fields.at(-2) ?? null, scopes));
  }

  #meaningOf(qualifier: string | null, scopes: readonly Scope[]): Meaning {
    if (qualifier !== null) {
      const named = scopes.find((scope) => scope.has(qualifier))?.get(qualifier);
      return named ?? meaningOfTable(qualifier, this.#target);
    }
    const [nearest, ...outer] = scopes.filter((scope) => scope.size > 0);
    if (nearest === undefined) return 'unknown';
    const meaning = meaningAmong([...nearest.values()]) ?? 'unknown';
    // It may be one of the query around it.
    return meaning === 'other' && outer.some((scope) => [...scope.values()].includes('own')) ? 'unknown' : meaning;
  }

  /** Tables that a query names itself, not those of queries in it. */
  #scopeOf(query: Tree, ctes: Scope): Scope {
    const names = new Map<string, Meaning>();
    const visit = (node: unknown): void => {
      if (Array.isArray(node)) for (const one of node) visit(one);
      if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
      for (const [kind, inner] of Object.entries(node as Record<string, Tree>)) {
        const alias = (inner?.alias as Tree | undefined)?.aliasname as string | undefined;
        if (kind === 'RangeVar') {
          const name = String(inner.relname);
          names.set(alias ?? name, ctes.get(name) ?? this.#meaningOfRelation(inner));
        } else if (kind === 'RangeSubselect') names.set(alias ?? '', this.#meaningOfQuery(inner.subquery, ctes));
        else if (kind === 'RangeFunction') names.set(alias ?? '', 'other');
        else if (kind === 'JoinExpr') visit([inner.larg, inner.rarg]);
      }
    };
    visit([query.fromClause, query.usingClause]);
    if (query.relation !== undefined) visit({ RangeVar: query.relation });
    if (query.onConflictClause !== undefined)
      names.set('excluded', this.#meaningOfRelation(query.relation as Tree | undefined));
    return names;
  }

  /** WITH: what its queries pass on is of their tables. */
  #commonTables(query: Tree, outer: Scope): Scope {
    const ctes = new Map(outer);
    const list = ((query.withClause as Tree | undefined)?.ctes ?? []) as { CommonTableExpr?: Tree }[];
    for (const { CommonTableExpr: cte } of list)
      if (cte !== undefined) ctes.set(String(cte.ctename), this.#meaningOfQuery(cte.ctequery, ctes));
    return ctes;
  }

  #meaningOfQuery(query: unknown, ctes: Scope): Meaning {
    const [, node] = Object.entries((query ?? {}) as Record<string, Tree>)[0] ?? [];
    if (node === undefined) return 'unknown';
    const parts = [node.larg, node.rarg].filter((part) => part !== undefined);
    const meanings =
      parts.length > 0
        ? parts.map((part) => this.#meaningOfQuery({ SelectStmt: part }, ctes))
        : [...this.#scopeOf(node, this.#commonTables(node, ctes)).values()];
    return meaningAmong(meanings) ?? 'other';
  }

  #meaningOfRelation(relation: Tree | undefined): Meaning {
    const name = String(relation?.relname ?? '');
    return name === UNKNOWN_TABLE || name === '' ? 'unknown' : name === this.#target.table ? 'own' : 'other';
  }
}
