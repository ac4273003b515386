import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Jiti } from 'jiti';

/** Loads a module of the application by its absolute path: TypeScript or JavaScript, ES or CommonJS. */
export type ModuleLoader = (file: string) => Promise<Record<string, unknown>>;

/** A project's folder, and what loads its modules. */
export interface ModuleSource {
  readonly root: string;
  readonly load: ModuleLoader;
}

/**
 * What loads an application's modules.
 * @param triphase what they get for their import of `triphase`: the very copy that loads them, wherever that is installed, so that errors and settings are
 * shared with it.
 */
export function moduleLoader(triphase: () => Promise<Record<string, unknown>>): ModuleLoader {
  const loaders = new Map<string | false, Promise<Jiti>>();
  const make = async (fsCache: string | false): Promise<Jiti> => {
    const { createJiti } = await import('jiti');
    return createJiti(import.meta.url, {
      moduleCache: false,
      fsCache,
      // The aliases of the application's imports.
      tsconfigPaths: true,
      virtualModules: { triphase: await triphase() },
    });
  };
  const load = async (file: string, cache: string | false): Promise<Record<string, unknown>> => {
    const loader = loaders.get(cache) ?? make(cache);
    loaders.set(cache, loader);
    return (await loader).import<Record<string, unknown>>(file);
  };
  return async (file) => {
    const cache = cacheFor(file);
    try {
      return await load(file, cache);
    } catch (error) {
      // A disk that is full, or a file of another user, is no reason against loading it.
      if (cache === false || (error as NodeJS.ErrnoException).path?.startsWith(cache) !== true) throw error;
      return load(file, false);
    }
  };
}

/**
 * Where TypeScript that was compiled is kept, by the text that it was compiled from: beside the packages of the application, where these are of whoever has the
 * file: he could change it as well. Nowhere else: a folder further up may be anybody's.
 */
function cacheFor(file: string): string | false {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const packages = join(folder, 'node_modules');
    if (existsSync(packages)) {
      return statSync(packages).uid === statSync(file).uid ? join(packages, '.cache/triphase') : false;
    }
    if (dirname(folder) === folder) return false;
  }
}
