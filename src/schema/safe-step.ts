import type { FactBase, StableId } from '@supabase/pg-delta';
import { quoteQualified } from '../domain/identifier.ts';
import type { Statement } from './statement.ts';

/** What becomes one migration. */
export interface SafeStep {
  /** Words for its file's name, such as `create_users`. */
  readonly about: string;
  /** Statements; none where it is an `index`. */
  readonly up: readonly string[];
  /** Null where it is found by running it: what leads from what it leaves to what it found. */
  readonly down: readonly string[] | null;
  /** Outside a transaction. */
  readonly isAlone: boolean;
  /** An index of a partitioned table, for which PostgreSQL knows no statement that does not block. */
  readonly index?: {
    /** Its table, as SQL names it. */
    readonly on: string;
    readonly schema: string;
    readonly name: string;
    readonly definition: string;
    readonly isUnique: boolean;
    readonly isDrop: boolean;
  };
  /** What to do besides, or to know. */
  readonly warning?: string;
}

/** A step whose way back is known. */
export type ReversibleStep = SafeStep & { readonly down: readonly string[] };

/** The parts of an index's text: UNIQUE, its table as SQL names it, and what follows. */
export const CREATE_INDEX =
  /^CREATE (UNIQUE )?INDEX (?:"(?:[^"]|"")*"|\S+) ON (?:ONLY )?((?:"(?:[^"]|"")*"|[^\s.]+)\.(?:"(?:[^"]|"")*"|\S+)) (.*)$/s;

export function isPartitioned(on: string, facts: FactBase): boolean {
  const table = tableNamed(on, facts);
  return table !== undefined && table.payload.partitionKey !== null && table.payload.partitionKey !== undefined;
}

/** Whether it is a materialized view: those are not locked as tables are. */
export const isView = (on: string, facts: FactBase): boolean =>
  facts.facts().some(({ id }) => id.kind === 'materializedView' && sameName(quoteQualified(id), on));

const tableNamed = (on: string, facts: FactBase) =>
  facts.facts().find(({ id }) => id.kind === 'table' && sameName(quoteQualified(id), on));

const sameName = (one: string, other: string): boolean => one.replaceAll('"', '') === other.replaceAll('"', '');

/** The table that a statement is about; null for one that is about none. */
function tableOf({ subject, about }: Statement): StableId | null {
  let id = about ?? subject;
  while (id !== null && 'target' in id) id = id.target;
  if (id === null) return null;
  if (id.kind === 'table') return id;
  return 'table' in id && 'schema' in id ? { kind: 'table', schema: id.schema, name: id.table } : null;
}

/** Nobody has rows in it yet. An index does not say its table but in its text. */
export function isOfNewTable(statement: Statement, from: FactBase): boolean {
  const table = tableOf(statement);
  if (table !== null) return !from.has(table);
  const [, , on] = statement.subject?.kind === 'index' ? (CREATE_INDEX.exec(statement.sql) ?? []) : [];
  return on !== undefined && tableNamed(on, from) === undefined && !isView(on, from);
}

/** Words for the name of a migration that a statement goes into: `alter_users`. */
export function aboutOf(statement: Statement, from: FactBase): string {
  const table = tableOf(statement);
  const [, , on = ''] = statement.subject?.kind === 'index' ? (CREATE_INDEX.exec(statement.sql) ?? []) : [];
  if (on !== '' && tableNamed(on, from) === undefined && !isView(on, from))
    return `create_${on.replace(/^.*\./, '').replaceAll('"', '')}`;
  if (table !== null && 'name' in table) return `${from.has(table) ? 'alter' : 'create'}_${String(table.name)}`;
  const { subject, verb, object } = statement;
  const name = subject !== null && 'name' in subject ? String(subject.name) : object.replaceAll(/\W+/g, '_');
  return `${verb}_${name}`;
}
