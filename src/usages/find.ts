import { readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Usage } from '../domain/finding.ts';
import { patternOf } from '../domain/pattern.ts';
import { filesInGit } from '../project/git.ts';
import type { History } from '../project/history.ts';
import { isNamedLike, named } from './about.ts';
import { linesOfCode } from './in-code.ts';
import { linesOfSqlFile } from './sql-file.ts';
import { type Certainty, type Target, targetOf } from './target.ts';
import { type TypeScript, typescriptOf } from './typescript.ts';

/** Code in which a column's name may stand. */
const CODE =
  /\.(?:[cm]?[jt]sx?|sql|graphql|gql|vue|svelte|astro|hbs|ejs|pug|prisma|py|rb|go|java|kt|scala|cs|php|rs|ex|exs)$/;
/** Not the application's own code: migrations name old columns for ever, and what is built is built again. */
const NOT_OWN = /^(?:db|node_modules|dist|build|coverage|\.[^/]+)\/|\/node_modules\//;
/** A line that is meant. */
const IGNORED = /phase-ignore/;

/** A line of what was made by a machine can be as long as its file. */
const LONGEST_TEXT = 500;

/** A column whose usages are looked for. */
export interface Sought {
  readonly from: string;
  readonly table: { readonly name: string };
}

/** Where the application's code still names the old column of a rename: as it is, or in camel case, and how sure it is that it is this one. */
export async function findUsages(
  { root, files, manifests }: Pick<History, 'root' | 'files' | 'manifests'>,
  { from, table }: Sought,
): Promise<Usage[]> {
  // Those that were taken over lie elsewhere, and name old columns for ever, too.
  const migrations = new Set(files.map(({ path }) => path));
  const target = targetOf(table.name, from, otherTables(manifests, table.name));
  const source = `(?<![A-Za-z0-9_$])(?:${[...target.names].map(patternOf).join('|')})(?![A-Za-z0-9_$])`;
  const exact = new RegExp(source);
  // SQL folds names that are not quoted.
  const inSql = from === from.toLowerCase() ? new RegExp(source, 'i') : exact;
  const ts = typescriptOf(root);
  const usages: Usage[] = [];
  for (const file of codeFiles(root).filter((path) => !migrations.has(path))) {
    const pattern = file.endsWith('.sql') ? inSql : exact;
    const text = await textOf(join(root, file));
    if (!pattern.test(text)) continue;
    const certaintyOf = await certaintiesIn(ts, file, text, target);
    text.split(/\r?\n/).forEach((line, index) => {
      if (!pattern.test(line) || IGNORED.test(line)) return;
      const certainty = certaintyOf(index + 1);
      if (certainty !== null) usages.push({ file, line: index + 1, text: shortened(line.trim()), certainty });
    });
  }
  return usages;
}

/** Lines of the application's own code, not of its migrations, that something is true of. */
export async function linesOfOwnCode(
  { root, files }: Pick<History, 'root' | 'files'>,
  isMeant: (line: string) => boolean,
): Promise<{ readonly file: string; readonly line: number }[]> {
  const migrations = new Set(files.map(({ path }) => path));
  const found: { file: string; line: number }[] = [];
  for (const file of codeFiles(root).filter((path) => !migrations.has(path))) {
    const lines = (await textOf(join(root, file))).split(/\r?\n/);
    for (const [at, line] of lines.entries())
      if (isMeant(line) && !IGNORED.test(line)) found.push({ file, line: at + 1 });
  }
  return found;
}

/** Those that migrations touch. */
function otherTables(manifests: History['manifests'], table: string): ReadonlySet<string> {
  const touched = manifests.flatMap(({ migrations }) => migrations.flatMap(({ touches = [] }) => touches));
  return new Set(
    touched.map((name) => name.replace(/^.*\./, '')).filter((name) => name !== table && !name.includes('(')),
  );
}

/** By line, how sure it is; null for a line that is a comment alone. */
async function certaintiesIn(
  ts: TypeScript | null,
  file: string,
  text: string,
  target: Target,
): Promise<(line: number) => Certainty | null> {
  const isNamed = isNamedLike(file, target) || [...target.words].some((word) => named(text, word));
  if (file.endsWith('.sql')) {
    const lines = await linesOfSqlFile(text.replaceAll('\r\n', '\n'), target, isNamed);
    return (line) => lines.of(line);
  }
  if (ts === null || !/\.[cm]?[jt]sx?$/.test(file)) return () => (isNamed ? 'likely' : 'by_name');
  const lines = await linesOfCode(ts, file, text, target);
  // What the syntax tree does not have is a comment, which nobody runs, or a variable that is called so.
  return (line) => lines.of(line);
}

const shortened = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} ...` : text);

/** What git knows or would add, where there is a git; else all files. */
function codeFiles(root: string): string[] {
  const files = filesInGit(root) ?? [...walk(root, root)];
  return files.filter((file) => CODE.test(file) && !NOT_OWN.test(file)).sort();
}

/** Of a folder, or something else that has a file's name, there is none. */
async function textOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => null);
  return stats?.isFile() ? readFile(file, 'utf8').catch(() => '') : '';
}

function* walk(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const shown = relative(root, path);
    if (!entry.isDirectory()) yield shown;
    else if (!NOT_OWN.test(`${shown}/`)) yield* walk(root, path);
  }
}
