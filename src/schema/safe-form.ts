import type { FactBase } from '@supabase/pg-delta';
import { quoteQualified } from '../domain/identifier.ts';
import { groupRebuilds } from './rebuilds.ts';
import { replacedSteps } from './replaced.ts';
import { specialSteps } from './safe-statements.ts';
import { aboutOf, isOfNewTable, type SafeStep } from './safe-step.ts';
import type { Statement } from './statement.ts';

/**
 * The difference as migrations that do not block: indexes are built concurrently, constraints are added without looking at the rows and validated by
 * themselves, and one migration is about one thing. What is about tables that are new is theirs.
 * @param from the schema in which they run, and `to` the one that they lead to.
 */
export function safeSteps(statements: readonly Statement[], from: FactBase, to: FactBase): SafeStep[] {
  const parts: (Group | SafeStep)[] = [];
  for (const group of groupRebuilds(withSequences(statements), from, to)) {
    const [statement] = group;
    if (statement === undefined) continue;
    if (group.length === 1) addStatement(parts, statement, from);
    else parts.push(...(replacedSteps(group, from) ?? [{ about: aboutRebuilt(group, from), statements: group }]));
  }
  return parts.map((part) => ('statements' in part ? plainStep(part.about, part.statements) : part));
}

function aboutRebuilt(statements: readonly Statement[], from: FactBase): string {
  const altered =
    statements.find(({ verb, subject }) => verb === 'alter' && subject?.kind === 'column') ?? statements[0];
  return altered === undefined ? 'change' : aboutOf(altered, from);
}

function addStatement(parts: (Group | SafeStep)[], statement: Statement, from: FactBase): void {
  const isOfNew = isOfNewTable(statement, from);
  const special = isOfNew ? null : specialSteps(statement, from);
  if (special !== null) {
    parts.push(...special);
    return;
  }
  const about = aboutOf(statement, from);
  const last = parts.at(-1);
  const own = isOfNew && MOVES.has(statement.subject?.kind ?? '') ? groupOf(parts, about) : undefined;
  const group =
    own ??
    (last !== undefined && 'statements' in last && (last.about === about || isHelper(statement)) ? last : undefined);
  if (group === undefined) parts.push({ about, statements: [statement] });
  else group.statements.push(statement);
}

/** A sequence that a new table owns comes right before it, and what says so right behind it. */
function withSequences(statements: readonly Statement[]): Statement[] {
  const made = new Map(
    statements.flatMap((one) =>
      one.verb === 'create' && one.subject?.kind === 'table' ? [[quoteQualified(one.subject), one] as const] : [],
    ),
  );
  const before = new Map<Statement, Statement[]>();
  const behind = new Map<Statement, Statement[]>();
  for (const owned of statements) {
    const { subject, sql } = owned;
    const [, table = ''] =
      subject?.kind === 'sequence' ? (/ OWNED BY (.*)\.(?:"(?:[^"]|"")*"|\S+)$/.exec(sql) ?? []) : [];
    const creates = made.get(table);
    const sequence = statements.find(
      (one) => one.verb === 'create' && one.subject?.kind === 'sequence' && one.object === owned.object,
    );
    if (creates === undefined || sequence === undefined || subject?.kind !== 'sequence') continue;
    // Another table may take numbers from it, too.
    const isShared = statements.some(
      (one) => one !== creates && one !== owned && one !== sequence && one.sql.includes(subject.name),
    );
    if (isShared) continue;
    before.set(creates, [...(before.get(creates) ?? []), sequence]);
    behind.set(creates, [...(behind.get(creates) ?? []), owned]);
  }
  const moved = new Set([...before.values(), ...behind.values()].flat());
  const ofTable = new Map(
    [...before].flatMap(([table, sequences]) =>
      [...sequences, ...(behind.get(table) ?? [])].map((one) => [one, table] as const),
    ),
  );
  return statements
    .filter((one) => !moved.has(one))
    .flatMap((one) => [...(before.get(one) ?? []), one, ...(behind.get(one) ?? [])])
    .map((one) => {
      const table = ofTable.get(one);
      // It is about its table, for the name of the migration.
      return table === undefined ? one : { ...one, about: table.subject };
    });
}

interface Group {
  readonly about: string;
  readonly statements: Statement[];
}

/** What a new table has of its own, and what does not need anything that comes later. */
const MOVES: ReadonlySet<string> = new Set(['index', 'comment', 'acl']);

/** The group that makes a table, unless functions have come since, which an index may call. */
function groupOf(parts: readonly (Group | SafeStep)[], about: string): Group | undefined {
  const at = parts.findIndex((part) => part.about === about && 'statements' in part);
  const found = parts[at];
  const since = parts.slice(at + 1).flatMap((part) => ('statements' in part ? part.statements : []));
  const isFree = since.every(({ subject }) => subject?.kind !== 'function');
  return found !== undefined && 'statements' in found && isFree ? found : undefined;
}

/** Comments and privileges go with what stands before them. */
const isHelper = ({ subject }: Statement): boolean => subject?.kind === 'comment' || subject?.kind === 'acl';

function plainStep(about: string, statements: readonly Statement[]): SafeStep {
  const isAlone = statements.some((statement) => statement.isAlone);
  const rewrites = statements.some(({ sql }) => / ALTER COLUMN .* TYPE /s.test(sql));
  return {
    about,
    up: statements.map(({ sql }) => sql),
    down: null,
    isAlone,
    ...(rewrites
      ? {
          warning: `${about}: a change of type may write the whole table anew under a lock; phase check says whether it does.`,
        }
      : {}),
  };
}
