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
  let loader: Promise<Jiti> | undefined;
  const make = async (): Promise<Jiti> => {
    const { createJiti } = await import('jiti');
    return createJiti(import.meta.url, {
      moduleCache: false,
      fsCache: false,
      // The aliases of the application's imports.
      tsconfigPaths: true,
      virtualModules: { triphase: await triphase() },
    });
  };
  return async (file) => {
    loader ??= make();
    return (await loader).import<Record<string, unknown>>(file);
  };
}
