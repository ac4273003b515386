import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
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
  /** Whether that is all: it cannot do something else the next time, with all of that the same. */
  readonly isWhole: boolean;
}

export interface Sum {
  readonly sum: string;
  /** False where more may be read than what the sum is over. */
  readonly isWhole: boolean;
}

/**
 * Sums over what the migrations of a project read besides their own text: modules that they import, by relative paths and through each other; files in the
 * folder of one that asks where it is, and below; the versions of packages.
 */
export class Reads {
  readonly #root: string;
  readonly #reads = new Map<string, Promise<Read>>();
  readonly #folders = new Map<string, Promise<string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** What a file relative to the root reads. */
  async of(path: string): Promise<Sum> {
    const modules = new Set([join(this.#root, path)]);
    const parts = new Set<string>();
    let isWhole = true;
    // What is added on the way is gone through as well.
    for (const file of modules) {
      const read = await this.#readOf(file);
      isWhole &&= read.isWhole;
      if (read.folder !== null) parts.add(`folder ${await this.#sumBelow(read.folder)}`);
      if (read.packages) {
        const packages = packagesOf(this.#root);
        isWhole &&= packages !== null;
        parts.add(`packages ${packages}`);
      }
      for (const module of read.modules) {
        modules.add(module);
        parts.add(`${relative(this.#root, module)} ${fileChecksum(module)}`);
      }
    }
    return { sum: parts.size === 0 ? '' : digest([...parts].sort()), isWhole };
  }

  #readOf(file: string): Promise<Read> {
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

async function readOf(file: string): Promise<Read> {
  if (/\.(?:sql|json)$/.test(file)) return { modules: [], folder: null, packages: false, isWhole: true };
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return { modules: [], folder: null, packages: false, isWhole: false };
  const specifiers = [...text.matchAll(SPECIFIERS)].map((match) => match[2] ?? match[4] ?? '');
  const relatives = specifiers.filter((specifier) => specifier.startsWith('.'));
  const modules = relatives.map((specifier) => moduleAt(resolve(dirname(file), specifier)));
  const others = specifiers.filter((specifier) => !specifier.startsWith('.') && !isHarmless(specifier));
  const names = others.filter((specifier) => !FILES.test(specifier));
  const asksForPlace = OWN_PLACE.test(text);
  const readsFiles = asksForPlace || others.length > names.length;
  // Where it may leave its folder, or begins at another, nobody knows what it reads.
  const staysInFolder = asksForPlace && !text.replaceAll(SPECIFIERS, '').includes('..');
  return {
    modules: modules.filter((module) => module !== null),
    folder: readsFiles && asksForPlace ? dirname(file) : null,
    packages: names.length > 0,
    isWhole:
      !ELSEWHERE.test(text) &&
      modules.every((module) => module !== null) &&
      names.every(
        (name) => !builtinModules.includes(name) && !name.startsWith('node:') && hasPackage(dirname(file), name),
      ) &&
      (!readsFiles || staysInFolder),
  };
}

/** Of those that come with node: what computes, and asks nobody. */
const HARMLESS =
  /^(?:node:)?(?:assert|buffer|crypto|events|path|querystring|stream|string_decoder|url|util|zlib)(?:\/|$)/;

const isHarmless = (specifier: string): boolean => HARMLESS.test(specifier) || OURS.includes(specifier);

/** A name that no package has may be an alias of the project's. */
function hasPackage(from: string, specifier: string): boolean {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    // One that is linked to a folder of the project is no package: its version says nothing.
    if (existsSync(place)) return realpathSync(place).includes('node_modules');
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
