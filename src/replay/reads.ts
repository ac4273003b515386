import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileChecksum } from '../project/checksum.ts';

/** What is imported or required, as it is written; not what a query selects from. */
const SPECIFIERS =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"]+)\1|\b(?:import|require)\s*\(?\s*(['"`])([^'"`]+)\3/g;

/** What may bring in something else, whatever the text: the environment, the network, and modules whose names are computed. */
const ELSEWHERE = /\b(?:process|fetch)\b|\b(?:import|require)\s*\((?!\s*['"`])/;

/** The place on disk of a module, from which it may read. */
const OWN_PLACE = /\b(?:__dirname|__filename|import\.meta)\b/;
const FILES = /^(?:node:)?fs(?:\/promises)?$|^fs-extra$/;

const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'];

/** Names the versions of all packages. */
const LOCKS = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock'];
/** What is the same for all that one version of triphase runs. */
const OURS = ['triphase', 'knex'];

/** What a module reads besides its own text. */
interface Read {
  /** Modules that it imports by relative paths. */
  readonly modules: readonly string[];
  /** The folder of which it may read any file, at any depth. */
  readonly folder: string | null;
  /** Whether it imports packages. */
  readonly packages: boolean;
}

/**
 * Sums over what the migrations of a project read besides their own text: modules that they import, by relative paths and through each other; files in the
 * folder of one that asks where it is, and below; the versions of packages.
 */
export class Reads {
  readonly #root: string;
  readonly #reads = new Map<string, Promise<Read | null>>();
  readonly #folders = new Map<string, Promise<string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The sum of a file relative to the root; null for one that may do something else the next time, with all of that the same. */
  async of(path: string): Promise<string | null> {
    const modules = new Set([join(this.#root, path)]);
    const parts = new Set<string>();
    // What is added on the way is gone through as well.
    for (const file of modules) {
      const read = await this.#readOf(file);
      if (read === null) return null;
      if (read.folder !== null) parts.add(`folder ${await this.#sumBelow(read.folder)}`);
      if (read.packages) {
        const packages = packagesOf(this.#root);
        if (packages === null) return null;
        parts.add(`packages ${packages}`);
      }
      for (const module of read.modules) {
        modules.add(module);
        parts.add(`${relative(this.#root, module)} ${fileChecksum(module)}`);
      }
    }
    return parts.size === 0 ? '' : digest([...parts].sort());
  }

  #readOf(file: string): Promise<Read | null> {
    const read = this.#reads.get(file) ?? readOf(file);
    this.#reads.set(file, read);
    return read;
  }

  #sumBelow(folder: string): Promise<string> {
    const sum = this.#folders.get(folder) ?? sumBelow(folder);
    this.#folders.set(folder, sum);
    return sum;
  }
}

/** Null where it cannot be told. */
async function readOf(file: string): Promise<Read | null> {
  if (/\.(?:sql|json)$/.test(file)) return { modules: [], folder: null, packages: false };
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null || ELSEWHERE.test(text)) return null;
  const specifiers = [...text.matchAll(SPECIFIERS)].map((match) => match[2] ?? match[4] ?? '');
  const modules: string[] = [];
  let packages = false;
  for (const specifier of specifiers) {
    if (isBuiltIn(specifier) || OURS.includes(specifier)) continue;
    if (!specifier.startsWith('.')) {
      if (!hasPackage(dirname(file), specifier)) return null;
      packages = true;
      continue;
    }
    const module = moduleAt(resolve(dirname(file), specifier));
    if (module === null) return null;
    modules.push(module);
  }
  const asksForPlace = OWN_PLACE.test(text);
  if (!asksForPlace && !specifiers.some((specifier) => FILES.test(specifier)))
    return { modules, folder: null, packages };
  // Where it may leave its folder, or begins at another, nobody knows what it reads.
  const leaves = text.replaceAll(SPECIFIERS, '').includes('..');
  return asksForPlace && !leaves ? { modules, folder: dirname(file), packages } : null;
}

const isBuiltIn = (specifier: string): boolean => specifier.startsWith('node:') || builtinModules.includes(specifier);

/** A name that no package has may be an alias of the project's. */
function hasPackage(from: string, specifier: string): boolean {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', name))) return true;
    if (dirname(folder) === folder) return false;
  }
}

/** The file that an import means: with its extension, with that of the source that it is compiled from, or the index of a folder. */
function moduleAt(path: string): string | null {
  const stem = /\.[cm]?[jt]s$/.test(path) ? path.slice(0, -extname(path).length) : path;
  const endings = ['', ...EXTENSIONS].map((ending) => (ending === '' ? path : stem + ending));
  const candidates = [...endings, ...EXTENSIONS.map((extension) => join(path, `index${extension}`))];
  return (
    candidates.find((candidate) => EXTENSIONS.includes(extname(basename(candidate))) && existsSync(candidate)) ?? null
  );
}

async function sumBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return digest(files.sort().map((file) => `${relative(folder, file)} ${fileChecksum(file)}`));
}

/** The sum of the lock file in the folder or one around it; null where there is none. */
function packagesOf(root: string): string | null {
  for (let folder = root; ; folder = dirname(folder)) {
    const lock = LOCKS.map((name) => join(folder, name)).find((file) => existsSync(file));
    if (lock !== undefined) return fileChecksum(lock);
    if (dirname(folder) === folder) return null;
  }
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
