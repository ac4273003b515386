import type { QualifiedName } from '../domain/identifier.ts';
import { parse, scan } from '../postgres/parser.ts';
import { edited } from './edits.ts';

/** Places of two columns among those of a table, from 1, without dropped ones. */
export interface ColumnPlaces extends QualifiedName {
  readonly from: number;
  readonly to: number;
}

/** The part of a node of PostgreSQL's parser that gives names to columns by their position. */
interface AliasedNode {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly location?: number;
  readonly alias?: { readonly colnames?: readonly unknown[] };
}

/**
 * A statement that gives a table's columns other names by their position, such as `FROM users AS u(id, mail, email)`, has
 * the names of two of them change places; its other parts stay to the byte. PostgreSQL prints such a list with a name for
 * each column of the table. Parsed by PostgreSQL's own parser and scanner.
 * @param text a statement as PostgreSQL prints it, names qualified.
 */
export async function swapAliases(text: string, tables: readonly ColumnPlaces[]): Promise<string> {
  // A statement that this parser does not know (of a later PostgreSQL) is left as it is; the gate sees what stays bound.
  const tree = await parse(text).catch(() => null);
  const aliased = nodesOf(tree, 'RangeVar').flatMap((node) => {
    const table = tables.find(({ schema, name }) => schema === node.schemaname && name === node.relname);
    const names = node.alias?.colnames?.length ?? 0;
    return table && names >= Math.max(table.from, table.to) ? [{ table, at: node.location ?? 0 }] : [];
  });
  if (aliased.length === 0) return text;
  const { tokens } = await scan(text);
  const edits = aliased.flatMap(({ table, at }) => {
    const open = tokens.findIndex(({ start, text: token }) => start >= at && token === '(');
    const names = tokens.slice(open + 1).filter((_token, place) => place % 2 === 0);
    const [left, right] = [names[table.from - 1], names[table.to - 1]];
    return left && right
      ? [
          { ...left, text: right.text },
          { ...right, text: left.text },
        ]
      : [];
  });
  return edited(text, edits);
}

/** Whether a statement gives the columns of a join other names by their position: `FROM (a JOIN b ON ...) AS j(x, y)`. */
export async function aliasesJoins(text: string): Promise<boolean> {
  if (text === '') return false;
  const tree = await parse(text).catch(() => null);
  return nodesOf(tree, 'JoinExpr').some(({ alias }) => (alias?.colnames?.length ?? 0) > 0);
}

function nodesOf(node: unknown, kind: string): AliasedNode[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => nodesOf(item, kind));
  return Object.entries(node).flatMap(([key, value]) => [
    ...(key === kind ? [value as AliasedNode] : []),
    ...nodesOf(value, kind),
  ]);
}
