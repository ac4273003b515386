import { basename } from 'node:path';
import type { Node, SourceFile } from 'typescript-5';
import { patternOf } from '../domain/pattern.ts';
import type { Target } from './target.ts';
import type { TypeScript } from './typescript.ts';

/** Whether a text has a word by itself. */
export const named = (text: string, word: string): boolean =>
  new RegExp(`(?<![\\w$])${patternOf(word)}(?![\\w$])`).test(text);

/** Words for what a file is, and not for what it is about. */
const KINDS =
  /^(?:controller|dao|dto|entity|entities|helpers?|index|model|models|queries|query|repository|repo|resolver|route|router|routes|schema|schemas|service|services|store|table|types?|utils?)$/;

/** `users.ts`, `user-service.ts`, `UserStore.ts`: by its own name, since folders hold much else. */
export function isNamedLike(file: string, { words }: Pick<Target, 'words'>): boolean {
  const parts = basename(file)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[.\-_]/)
    .slice(0, -1)
    .filter((part) => !KINDS.test(part));
  return words.has(parts.join('_'));
}

/** Behind it SQL has a table. */
const TABLE_BEHIND = /\b(?:from|join|into|update|table)\s+(?:only\s+)?(?:"?\w+"?\.)?"?$/i;

/** Whether a text names the table as SQL does, or is its name; not where people speak of it. */
function namesTableInSql(text: string, { table, words }: Pick<Target, 'table' | 'words'>): boolean {
  if (/^(?:\w+\.)?\w+(?:\s+(?:as\s+)?\w+)?$/i.test(text)) {
    const [, name = ''] = /^(?:\w+\.)?(\w+)/.exec(text) ?? [];
    return name === table || words.has(name);
  }
  const pattern = new RegExp(`(?<![\\w$])${patternOf(table)}(?![\\w$])`, 'g');
  return [...text.matchAll(pattern)].some(({ index }) => TABLE_BEHIND.test(text.slice(0, index)));
}

/** Whether a file of code is about the table: it names it in SQL or a query, or its model, a type or a row of it by a word of code. */
export function isAboutTable(ts: TypeScript, source: SourceFile, target: Target): boolean {
  let isAbout = false;
  const visit = (node: Node): void => {
    if (isAbout) return;
    if (ts.isIdentifier(node)) isAbout = target.words.has(node.text);
    else if (ts.isStringLiteralLike(node)) isAbout = namesTableInSql(node.text, target);
    else if (ts.isTemplateExpression(node)) isAbout = namesTableInSql(node.getText(source).slice(1, -1), target);
    if (!isAbout) ts.forEachChild(node, visit);
  };
  visit(source);
  return isAbout;
}
