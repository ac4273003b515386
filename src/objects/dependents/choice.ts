import { edited } from '../../catalog/edits.ts';
import { pathOf } from '../../catalog/references.ts';
import { nodesOf, type SqlNode } from '../../catalog/sql-trees.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { parse, scan } from '../../postgres/parser.ts';

/*
 * A rule sees what a statement gives, before any trigger: while both columns are written, what it takes of a new row has to be the value of that side which the
 * statement has given. In the rule's text that is a CASE in the place of `new.column`, put in and taken out here by PostgreSQL's own parser.
 */

/** Whether the text of a rule can be taken apart. `text` is what pg_get_ruledef prints. */
export function isKnownRule(text: string): Promise<boolean> {
  return parse(text).then(
    () => true,
    () => false,
  );
}

/** The text with a choice in the place of each `new.column`. */
export async function withChoice(text: string, column: string, choice: string): Promise<string> {
  const { tokens } = await scan(text);
  const tree = await parse(text);
  const places = nodesOf(tree, 'ColumnRef').filter((reference) => isNew(reference, column));
  // What is selected under the column's own name keeps it.
  const selected = nodesOf(tree, 'ResTarget')
    .filter(({ name, val }) => name === undefined && isReference(val, column))
    .map(({ val }) => Number((val as { readonly ColumnRef: SqlNode }).ColumnRef.location ?? 0));
  const edits = places.flatMap(({ location = 0 }) => {
    const at = tokens.findIndex(({ start }) => start === location);
    const [first, , last] = tokens.slice(at, at + 3);
    const name = selected.includes(Number(location)) ? ` AS ${quoteIdent(column)}` : '';
    return first && last ? [{ start: first.start, end: last.end, text: choice + name }] : [];
  });
  return edited(text, edits);
}

/** Undoes `withChoice`: `new.to` in the place of each CASE that chooses between `new.to` and `new.from`. */
export async function withoutChoice(
  text: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<string> {
  const { tokens } = await scan(text);
  const choices = nodesOf(await parse(text), 'CaseExpr').filter(({ args, defresult }) => {
    const [when] = nodesOf(args, 'CaseWhen');
    return isReference(when?.result, to) && isReference(defresult, from);
  });
  const edits = choices.map(({ location = 0 }) => {
    const at = tokens.findIndex(({ start }) => start === location);
    return { start: Number(location), end: endOfCase(tokens.slice(at)), text: `new.${quoteIdent(to)}` };
  });
  return edited(text, edits);
}

/** Where the CASE that tokens begin with ends, in bytes. */
function endOfCase(tokens: readonly { readonly text: string; readonly end: number }[]): number {
  let depth = 0;
  const last = tokens.find(({ text }) => {
    const word = text.toUpperCase();
    if (word === 'CASE') depth++;
    if (word === 'END') depth--;
    return depth === 0;
  });
  return last?.end ?? 0;
}

function isReference(node: unknown, column: string): boolean {
  const { ColumnRef } = (node ?? {}) as { readonly ColumnRef?: SqlNode };
  return ColumnRef !== undefined && isNew(ColumnRef, column);
}

function isNew(reference: SqlNode, column: string): boolean {
  const path = pathOf(reference);
  return path.length === 2 && path[0] === 'new' && path[1] === column;
}
