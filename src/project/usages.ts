import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Usage } from '../domain/finding.ts';
import { patternOf } from '../domain/pattern.ts';
import type { Rename } from '../domain/rename.ts';

/** Code in which a column's name may stand. */
const CODE =
  /\.(?:[cm]?[jt]sx?|sql|graphql|gql|vue|svelte|astro|hbs|ejs|pug|prisma|py|rb|go|java|kt|scala|cs|php|rs|ex|exs)$/;
/** Not the application's own code: migrations name old columns for ever, and what is built is built again. */
const NOT_OWN = /^(?:db|node_modules|dist|build|coverage|\.[^/]+)\/|\/node_modules\//;
/** A line that is meant. */
const IGNORED = /phase-ignore/;

/** Where the application's code still names the old column of a rename: as it is, or in camel case. */
export async function findUsages(root: string, { from }: Rename): Promise<Usage[]> {
  const names = [...new Set([from, camelCase(from)])].map(patternOf).join('|');
  const pattern = new RegExp(`(?<![A-Za-z0-9_$])(?:${names})(?![A-Za-z0-9_$])`);
  const usages: Usage[] = [];
  for (const file of codeFiles(root)) {
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    text.split(/\r?\n/).forEach((line, index) => {
      if (pattern.test(line) && !IGNORED.test(line)) usages.push({ file, line: index + 1, text: line.trim() });
    });
  }
  return usages;
}

/** What git knows or would add, where there is a git; else all files. */
function codeFiles(root: string): string[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1_024 * 1_024,
  });
  const files = listed.status === 0 ? listed.stdout.split('\0') : [...walk(root, root)];
  return files.filter((file) => CODE.test(file) && !NOT_OWN.test(file)).sort();
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
