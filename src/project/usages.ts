import { readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Usage } from '../domain/finding.ts';
import { patternOf } from '../domain/pattern.ts';
import type { Rename } from '../domain/rename.ts';
import { filesInGit } from './git.ts';
import type { History } from './history.ts';

/** Code in which a column's name may stand. */
const CODE =
  /\.(?:[cm]?[jt]sx?|sql|graphql|gql|vue|svelte|astro|hbs|ejs|pug|prisma|py|rb|go|java|kt|scala|cs|php|rs|ex|exs)$/;
/** Not the application's own code: migrations name old columns for ever, and what is built is built again. */
const NOT_OWN = /^(?:db|node_modules|dist|build|coverage|\.[^/]+)\/|\/node_modules\//;
/** A line that is meant. */
const IGNORED = /phase-ignore/;

/** A line of what was made by a machine can be as long as its file. */
const LONGEST_TEXT = 500;

/** Where the application's code still names the old column of a rename: as it is, or in camel case. */
export async function findUsages({ root, files }: Pick<History, 'root' | 'files'>, { from }: Rename): Promise<Usage[]> {
  // Those that were taken over lie elsewhere, and name old columns for ever, too.
  const migrations = new Set(files.map(({ path }) => path));
  const names = [...new Set([from, camelCase(from)])].map(patternOf).join('|');
  const source = `(?<![A-Za-z0-9_$])(?:${names})(?![A-Za-z0-9_$])`;
  const exact = new RegExp(source);
  // SQL folds names that are not quoted.
  const inSql = from === from.toLowerCase() ? new RegExp(source, 'i') : exact;
  const usages: Usage[] = [];
  for (const file of codeFiles(root).filter((path) => !migrations.has(path))) {
    const pattern = file.endsWith('.sql') ? inSql : exact;
    const text = await textOf(join(root, file));
    text.split(/\r?\n/).forEach((line, index) => {
      if (!pattern.test(line) || IGNORED.test(line)) return;
      usages.push({ file, line: index + 1, text: shortened(line.trim()) });
    });
  }
  return usages;
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

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
