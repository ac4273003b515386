import { PhaseError } from '../domain/errors/phase-error.ts';
import { reasonOf } from '../postgres/errors.ts';
import { scan } from '../postgres/parser.ts';
import { edited } from './edits.ts';
import { pathOf } from './references.ts';
import { expressionTrees, nodesOf, type SqlNode } from './sql-trees.ts';

/** An expression as it was given, and what messages say of it. */
export interface GivenExpression {
  readonly flag: '--using' | '--back' | '--into';
  readonly expression: string;
  /** What it may name. */
  readonly columns: readonly string[];
  /** The column, or columns, that it is over, and their types; and the type that it is to give. */
  readonly column: string;
  readonly from: string;
  readonly to: string;
}

/** An expression over one row, with `$1`, `$2` in the places of the columns that it may name, in their order. @throws PH1043 */
export async function overParameters({ columns, ...given }: GivenExpression): Promise<string> {
  const { expression } = given;
  const refuse = (reason: string, cause?: unknown): never => {
    throw new PhaseError('PH1043', { ...given, reason }, { cause });
  };
  const head = 'SELECT ';
  const text = `${head}(${expression})`;
  const trees = await expressionTrees(expression).catch((error) => refuse(reasonOf(error), error));
  if (nodesOf(trees, 'SubLink').length > 0) refuse('It holds a subquery: a sync sees one row.');
  if (/\$\d/.test(expression)) refuse('It holds $ and a digit, which stands for a column.');
  const references = nodesOf(trees, 'ColumnRef');
  const what = columns.length === 1 ? `the column ${columns[0]}` : `any of the columns ${columns.join(', ')}`;
  const strange = references.map(pathOf).find(([name, ...more]) => more.length > 0 || !columns.includes(name ?? ''));
  if (strange !== undefined) refuse(`It names ${strange.join('.') || '*'}, which is not ${what}.`);
  if (references.length === 0) refuse(`It does not name ${what}.`);
  const { tokens } = await scan(text);
  const edits = references.map((reference: SqlNode) => {
    const start = Number(reference.location ?? 0);
    const token = tokens.find((one) => one.start === start);
    return { start, end: token?.end ?? start, text: `$${columns.indexOf(pathOf(reference)[0] ?? '') + 1}` };
  });
  return edited(text, edits).slice(head.length);
}
