import { sqlIdent } from '../domain/sql-name.ts';
import type { JudgedMigration, JudgedStatement, Node } from './rule.ts';

/** A list of nodes in a field, each with the name of its kind. */
export function nodes(of: Node | undefined, field: string): { readonly kind: string; readonly node: Node }[] {
  const list = of?.[field];
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: Record<string, Node>) => {
    const [entry] = Object.entries(one);
    return entry === undefined ? [] : [{ kind: entry[0], node: entry[1] }];
  });
}

/** A field that holds a node. */
export const field = (of: Node | undefined, name: string): Node | undefined => of?.[name] as Node | undefined;

export const text = (of: Node | undefined, name: string): string =>
  typeof of?.[name] === 'string' ? (of[name] as string) : '';

/** `public.users`, as the rest calls it: without a schema it is public. */
export function tableName(relation: Node | undefined): string {
  return `${text(relation, 'schemaname') || 'public'}.${text(relation, 'relname')}`;
}

/** A name, with its schema or without, as SQL and our own flags take it. */
export const asSql = (name: string): string => name.split('.').map(sqlIdent).join('.');

/** What PostgreSQL's parser calls `OBJECT_VIEW`, as people do. */
export const objectWord = (type: string): string =>
  type.replace('MATVIEW', 'MATERIALIZED_VIEW').replace('OBJECT_', '').replaceAll('_', ' ').toLowerCase();

/** One of the things that an ALTER TABLE does. */
export interface Alteration {
  readonly statement: JudgedStatement;
  readonly table: string;
  /** Such as `AT_AddColumn`. */
  readonly type: string;
  /** Of the column or the constraint. */
  readonly name: string;
  readonly def: Node | undefined;
  readonly defKind: string;
}

export function alterations({ statements }: JudgedMigration): Alteration[] {
  return statements.flatMap((statement) => {
    if (statement.kind !== 'AlterTableStmt') return [];
    const table = tableName(field(statement.node, 'relation'));
    return nodes(statement.node, 'cmds').map(({ node }) => {
      const [defKind = '', def] = Object.entries((node.def ?? {}) as Record<string, Node>)[0] ?? [];
      return { statement, table, type: text(node, 'subtype'), name: text(node, 'name'), def, defKind };
    });
  });
}

/** Constraints that statements add to tables that are there, with a column or by themselves. */
export interface AddedConstraint extends Alteration {
  /** Such as `CONSTR_FOREIGN`. */
  readonly contype: string;
  readonly constraint: Node;
}

export function addedConstraints(migration: JudgedMigration): AddedConstraint[] {
  return alterations(migration).flatMap((alteration) => {
    const { type, def, defKind } = alteration;
    if (type === 'AT_AddConstraint' && def !== undefined)
      return [{ ...alteration, contype: text(def, 'contype'), constraint: def }];
    if (type !== 'AT_AddColumn' || defKind !== 'ColumnDef') return [];
    return nodes(def, 'constraints').map(({ node }) => ({
      ...alteration,
      contype: text(node, 'contype'),
      constraint: node,
    }));
  });
}

/** Whether a function is called in an expression, or one of some. */
export function callsOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(callsOf);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
    if (key !== 'FuncCall') return callsOf(value);
    const name = nodes(value as Node, 'funcname').at(-1)?.node;
    return [text(name, 'sval'), ...callsOf(value)];
  });
}

/** The schema in which an unqualified name is found. */
type SchemaOf = (name: string) => string;

/** `public.users`, whatever kind of list PostgreSQL's parser has for it; of a schema the name alone. */
export function objectName({ kind, node }: { readonly kind: string; readonly node: Node }, schemaOf: SchemaOf): string {
  if (kind === 'String') return text(node, 'sval');
  const fields = { List: 'items', ObjectWithArgs: 'objname', TypeName: 'names' } as const;
  const parts = nodes(node, fields[kind as keyof typeof fields] ?? 'items').map((part) => text(part.node, 'sval'));
  const [first = ''] = parts;
  return parts.length > 1 ? parts.slice(-2).join('.') : `${schemaOf(first)}.${first}`;
}

/** What a statement makes, by its name; null for one that makes nothing that others name. */
export function madeBy({ kind, node }: JudgedStatement, schemaOf: SchemaOf): string | null {
  switch (kind) {
    case 'CreateStmt':
      return tableName(field(node, 'relation'));
    case 'ViewStmt':
      return tableName(field(node, 'view'));
    case 'CreateTableAsStmt':
      return tableName(field(field(node, 'into'), 'rel'));
    case 'CreateFunctionStmt':
      return objectName({ kind: 'ObjectWithArgs', node: { objname: node.funcname } }, schemaOf);
    case 'CreateEnumStmt':
      return objectName({ kind: 'TypeName', node: { names: node.typeName } }, schemaOf);
    case 'CompositeTypeStmt':
      return tableName(field(node, 'typevar'));
    default:
      return null;
  }
}
