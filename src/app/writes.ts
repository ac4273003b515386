import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Rename } from '../domain/rename.ts';
import type { CurrentRename } from './renames.ts';

/** Statements of which it is remembered what they write, and the longest of them. */
const REMEMBERED = 2_000;
const LONGEST_REMEMBERED = 10_000;

/** Finds statements that write a column which the release must not write any more. */
export class Writes {
  readonly #renames: readonly Rename[];
  readonly #parse: (sql: string) => unknown;
  readonly #verdicts = new Map<string, PhaseError | null>();

  private constructor(renames: readonly Rename[], parse: (sql: string) => unknown) {
    this.#renames = renames;
    this.#parse = parse;
  }

  /** Null when no rename has come to its second phase: then there is nothing to look for. */
  static async of(renames: readonly CurrentRename[]): Promise<Writes | null> {
    const switched = renames.filter(({ phase }) => phase > 1).map(({ rename }) => rename);
    if (switched.length === 0) return null;
    const { loadModule, parseSync } = await import('libpg-query');
    await loadModule();
    return new Writes(switched, parseSync);
  }

  /** Why a statement must not run, or null. */
  problemOf(sql: string): PhaseError | null {
    const known = this.#verdicts.get(sql);
    if (known !== undefined) return known;
    const problem = this.#judge(sql);
    if (sql.length > LONGEST_REMEMBERED) return problem;
    if (this.#verdicts.size >= REMEMBERED) this.#verdicts.clear();
    this.#verdicts.set(sql, problem);
    return problem;
  }

  #judge(sql: string): PhaseError | null {
    // Unquoted names are folded to lower case.
    const folded = sql.toLowerCase();
    const mentioned = this.#renames.filter(({ from }) => folded.includes(from.toLowerCase()));
    if (mentioned.length === 0 || !/\b(?:insert|update|merge|copy)\b/i.test(sql)) return null;
    const written = new Set<string>();
    try {
      collect(this.#parse(sql), written);
    } catch {
      // PostgreSQL itself says what is wrong with it.
      return null;
    }
    const rename = mentioned.find(({ table, from }) =>
      [`${table.schema}.${table.name}.${from}`, `.${table.name}.${from}`].some((column) => written.has(column)),
    );
    if (!rename) return null;
    const { table, from, to } = rename;
    return new PhaseError('PH5021', { table: `${table.schema}.${table.name}`, from, to, sql: sql.slice(0, 200) });
  }
}

interface Target {
  readonly schemaname?: string;
  readonly relname?: string;
}

type Node = Record<string, unknown>;

/** Columns that a parsed statement assigns, as `schema.table.column`; without a schema where it names none. */
function collect(node: unknown, written: Set<string>): void {
  if (Array.isArray(node)) for (const item of node) collect(item, written);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  for (const [kind, value] of Object.entries(node as Node)) {
    if (kind === 'InsertStmt' || kind === 'UpdateStmt' || kind === 'MergeStmt') assigned(value as Node, written);
    if (kind === 'CopyStmt') copied(value as Node, written);
    collect(value, written);
  }
}

function assigned(statement: Node, written: Set<string>): void {
  const { schemaname = '', relname = '' } = (statement.relation ?? {}) as Target;
  const conflict = statement.onConflictClause as Node | undefined;
  const clauses = ((statement.mergeWhenClauses ?? []) as { MergeWhenClause: Node }[]).map(
    (item) => item.MergeWhenClause,
  );
  // The list of an UPDATE and of a MERGE is its targets; that of an INSERT its columns.
  const lists = [
    statement.cols,
    statement.targetList,
    conflict?.targetList,
    ...clauses.map((clause) => clause.targetList),
  ];
  for (const item of lists.flatMap((list) => (list ?? []) as { ResTarget?: { name?: string } }[])) {
    if (item.ResTarget?.name !== undefined) written.add(`${schemaname}.${relname}.${item.ResTarget.name}`);
  }
}

function copied({ is_from: isWrite, relation, attlist }: Node, written: Set<string>): void {
  const { schemaname = '', relname = '' } = (relation ?? {}) as Target;
  if (isWrite !== true) return;
  for (const { String: column } of (attlist ?? []) as { String: { sval: string } }[]) {
    written.add(`${schemaname}.${relname}.${column.sval}`);
  }
}
