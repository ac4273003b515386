import { readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Usage } from '../domain/finding.ts';
import { patternOf } from '../domain/pattern.ts';
import { filesInGit } from '../project/git.ts';
import type { History } from '../project/history.ts';

import { type Certainty, placesInCode, wordsInPath } from './in-code.ts';
import { meaningInSql, type Target } from './in-sql.ts';
import { type TypeScript, typescriptOf } from './typescript.ts';
import { wordsOf } from './words.ts';

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
  const names = new Set([from, camelCase(from)]);
  const source = `(?<![A-Za-z0-9_$])(?:${[...names].map(patternOf).join('|')})(?![A-Za-z0-9_$])`;
  const exact = new RegExp(source);
  // SQL folds names that are not quoted.
  const inSql = from === from.toLowerCase() ? new RegExp(source, 'i') : exact;
  const ts = typescriptOf(root);
  const target = { table: table.name, column: from };
  const others = wordsOfOthers(manifests, table.name);
  const usages: Usage[] = [];
  for (const file of codeFiles(root).filter((path) => !migrations.has(path))) {
    const pattern = file.endsWith('.sql') ? inSql : exact;
    const text = await textOf(join(root, file));
    if (!pattern.test(text)) continue;
    const certainties = await certaintiesIn({ ts, file, text, target, names, others });
    text.split(/\r?\n/).forEach((line, index) => {
      if (!pattern.test(line) || IGNORED.test(line)) return;
      const certainty = certainties(index + 1);
      if (certainty !== null) usages.push({ file, line: index + 1, text: shortened(line.trim()), certainty });
    });
  }
  return usages;
}

/** Of the tables that migrations touch; what they share with the own one says nothing. */
function wordsOfOthers(manifests: History['manifests'], table: string): ReadonlySet<string> {
  const touched = manifests.flatMap(({ migrations }) => migrations.flatMap(({ touches = [] }) => touches));
  const names = new Set(
    touched.map((name) => name.replace(/^.*\./, '')).filter((name) => name !== table && !name.includes('(')),
  );
  const own = wordsOf(table);
  return new Set([...names].flatMap((name) => [...wordsOf(name)]).filter((word) => !own.has(word)));
}

interface Read {
  readonly ts: TypeScript | null;
  readonly file: string;
  readonly text: string;
  readonly target: Target;
  readonly names: ReadonlySet<string>;
  readonly others: ReadonlySet<string>;
}

/** By line, how sure it is; null for a line that is a comment alone. */
async function certaintiesIn({
  ts,
  file,
  text,
  target,
  names,
  others,
}: Read): Promise<(line: number) => Certainty | null> {
  const words = wordsOf(target.table);
  const isNamed =
    wordsInPath(file, words) ||
    [...words].some((word) => new RegExp(`(?<![\\w$])${patternOf(word)}(?![\\w$])`).test(text));
  if (file.endsWith('.sql')) {
    const meaning = await meaningInSql(text, target);
    const certainty = meaning === 'own' ? 'sure' : meaning === 'other' ? 'by_name' : isNamed ? 'likely' : 'by_name';
    return () => certainty;
  }
  if (ts === null || !/\.[cm]?[jt]sx?$/.test(file)) return () => (isNamed ? 'likely' : 'by_name');
  const found = new Map<number, Certainty>();
  for (const { line, certainty } of await placesInCode(ts, file, text, { target, names, others })) {
    const known = found.get(line);
    if (known === undefined || RANKS.indexOf(certainty) < RANKS.indexOf(known)) found.set(line, certainty);
  }
  // What the syntax tree does not have is a comment, which nobody runs.
  return (line) => found.get(line) ?? null;
}

const RANKS: readonly Certainty[] = ['sure', 'likely', 'by_name'];

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

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
