import type { Node, SourceFile } from 'typescript-5';
import { UNKNOWN_TABLE } from './in-sql.ts';
import type { TypeScript } from './typescript.ts';

/** A text that code puts together, with the line of each of its parts. */
export interface Assembled {
  readonly text: string;
  /** The line in the file, from 1, of a place in the text. */
  readonly lineOf: (at: number) => number;
}

interface Piece {
  readonly text: string;
  /** Of its first character, from 1. */
  readonly line: number;
  /** Whether it goes over lines as the file does: one that is not a template stands on one. */
  readonly isOverLines: boolean;
}

/** What is computed into a text where a table has to be named. */
const BEFORE_TABLE = /\b(?:from|join|into|update|table)\s+"?$/i;

/**
 * A literal, a template, or literals that are joined: what is computed in between becomes a parameter, or a table that nobody knows.
 * @param constants texts of constants of the file, by their names.
 */
export function assembled(
  ts: TypeScript,
  node: Node,
  source: SourceFile,
  constants: ReadonlyMap<string, string>,
): Assembled {
  const pieces: Piece[] = [];
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const textSoFar = (): string => pieces.map(({ text }) => text).join('');
  const hole = (expression: Node): void => {
    const text = textSoFar();
    const known = constants.get(expression.getText(source));
    const filled = known ?? (text === '' || BEFORE_TABLE.test(text) ? UNKNOWN_TABLE : /[\w"]$/.test(text) ? '1' : '$1');
    pieces.push({ text: filled, line: lineAt(expression.getStart(source)), isOverLines: false });
  };
  const template = (part: Node): void => {
    const raw = part
      .getText(source)
      .replace(/^[`}]/, '')
      .replace(/(?:\$\{|`)$/, '');
    pieces.push({ text: withoutEscapes(raw), line: lineAt(part.getStart(source) + 1), isOverLines: true });
  };
  const visit = (one: Node): void => {
    if (ts.isNoSubstitutionTemplateLiteral(one)) template(one);
    else if (ts.isStringLiteralLike(one))
      pieces.push({ text: one.text, line: lineAt(one.getStart(source)), isOverLines: false });
    else if (ts.isTemplateExpression(one)) {
      template(one.head);
      for (const span of one.templateSpans) {
        hole(span.expression);
        template(span.literal);
      }
    } else if (ts.isBinaryExpression(one) && one.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      visit(one.left);
      visit(one.right);
    } else if (isJoin(ts, one)) {
      one.expression.expression.elements.forEach((element, at) => {
        if (at > 0) pieces.push({ text: ' ', line: lineAt(element.getStart(source)), isOverLines: false });
        visit(element);
      });
    } else hole(one);
  };
  visit(node);
  return { text: textSoFar(), lineOf: lineIn(pieces) };
}

type Join = import('typescript-5').CallExpression & {
  readonly expression: { readonly expression: import('typescript-5').ArrayLiteralExpression };
};

/** `['SELECT id', 'FROM users'].join(' ')`. */
export function isJoin(ts: TypeScript, node: Node): node is Join {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'join' &&
    ts.isArrayLiteralExpression(node.expression.expression)
  );
}

function lineIn(pieces: readonly Piece[]): (at: number) => number {
  return (at) => {
    let begins = 0;
    for (const { text, line, isOverLines } of pieces) {
      if (at < begins + text.length)
        return isOverLines ? line + text.slice(0, at - begins).split('\n').length - 1 : line;
      begins += text.length;
    }
    return pieces.at(-1)?.line ?? 1;
  };
}

/** In as many characters, so that places stay where they are. */
const withoutEscapes = (raw: string): string =>
  raw.replaceAll(/\\(?:\r\n|[\s\S])/g, (written) => (/\\[nrt]/.test(written) ? '  ' : ` ${written.slice(1)}`));
