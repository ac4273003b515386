import { PhaseError } from '../domain/errors/phase-error.ts';
import { patternOf } from '../domain/pattern.ts';
import type { RenamedColumns } from './columns.ts';

/** Statements of which it is remembered what they write, and the longest of them. */
const REMEMBERED = 2_000;
const LONGEST_REMEMBERED = 10_000;

const WRITES = /\b(?:insert|update|merge|copy)\b/i;

/** What a statement writes that it must not, and whether that is so only where its table is found by its name alone. */
export interface RefusedWrite {
  readonly problem: PhaseError;
  readonly isByPath: boolean;
}

/** Finds statements that write a column which the release must not write any more. */
export class Writes {
  readonly #renames: readonly RenamedColumns[];
  readonly #parse: (sql: string) => unknown;
  readonly #mentions: RegExp;
  readonly #verdicts = new Map<string, RefusedWrite | null>();

  private constructor(renames: readonly RenamedColumns[], parse: (sql: string) => unknown) {
    this.#renames = renames;
    this.#parse = parse;
    // Unquoted names are folded to lower case.
    this.#mentions = new RegExp(renames.map(({ rename }) => patternOf(rename.from)).join('|'), 'i');
  }

  /** Null when no rename has come to its second phase: then there is nothing to look for. */
  static async of(renames: readonly RenamedColumns[]): Promise<Writes | null> {
    const switched = renames.filter(({ phase, rename }) => phase > 1 && rename.retype === null);
    if (switched.length === 0) return null;
    const { loadModule, parseSync } = await import('libpg-query');
    await loadModule();
    return new Writes(switched, parseSync);
  }

  /** Why a statement must not run, or null. */
  refusalOf(sql: string): RefusedWrite | null {
    if (!this.#mentions.test(sql) || !WRITES.test(sql)) return null;
    const known = this.#verdicts.get(sql);
    if (known !== undefined) return known;
    const refusal = this.#judge(sql);
    if (sql.length > LONGEST_REMEMBERED) return refusal;
    if (this.#verdicts.size >= REMEMBERED) this.#verdicts.clear();
    this.#verdicts.set(sql, refusal);
    return refusal;
  }

  #judge(sql: string): RefusedWrite | null {
    let written: ReadonlySet<string>;
    try {
      written = columnsWritten(this.#parse(sql));
    } catch {
      // PostgreSQL itself says what is wrong with it.
      return null;
    }
    for (const { rename, tables } of this.#renames) {
      const { table, from, to } = rename;
      const refused = (isByPath: boolean): RefusedWrite => ({
        problem: new PhaseError('PH5021', { table: `${table.schema}.${table.name}`, from, to, sql: sql.slice(0, 200) }),
        isByPath,
      });
      if (tables.some(({ schema, name }) => written.has(columnKey(schema, name, from)))) return refused(false);
      if (tables.some(({ name, isOnPath }) => isOnPath && written.has(columnKey('', name, from)))) return refused(true);
    }
    return null;
  }
}

interface Target {
  readonly schemaname?: string;
  readonly relname?: string;
}

type Node = Record<string, unknown>;

const columnKey = (schema: string, table: string, column: string): string => JSON.stringify([schema, table, column]);

/** Columns that a parsed statement assigns; without a schema where it names none. */
function columnsWritten(parsed: unknown): ReadonlySet<string> {
  const written = new Set<string>();
  // Not by recursion: a long chain of operators is a deep tree.
  const open: unknown[] = [parsed];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    for (const [kind, value] of Object.entries(node)) {
      if (kind === 'ExplainStmt' && !isExecuted(value as Node)) continue;
      if (kind === 'InsertStmt' || kind === 'UpdateStmt' || kind === 'MergeStmt') assigned(value as Node, written);
      if (kind === 'CopyStmt') copied(value as Node, written);
      open.push(value);
    }
  }
  return written;
}

function isExecuted({ options }: Node): boolean {
  return ((options ?? []) as { DefElem: { defname: string } }[]).some(({ DefElem }) => DefElem.defname === 'analyze');
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
    if (item.ResTarget?.name !== undefined) written.add(columnKey(schemaname, relname, item.ResTarget.name));
  }
}

function copied({ is_from: isWrite, relation, attlist }: Node, written: Set<string>): void {
  const { schemaname = '', relname = '' } = (relation ?? {}) as Target;
  if (isWrite !== true) return;
  for (const { String: column } of (attlist ?? []) as { String: { sval: string } }[]) {
    written.add(columnKey(schemaname, relname, column.sval));
  }
}
