import { createJiti, type Jiti } from 'jiti';

let loader: Jiti | undefined;

/**
 * Loads a TypeScript or JavaScript module of the application, ES or CommonJS. What it imports as `triphase` is the very
 * copy that loads it, wherever that is installed: errors and settings are shared with it.
 */
export async function loadModule(file: string): Promise<Record<string, unknown>> {
  loader ??= createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    // The aliases of the application's imports.
    tsconfigPaths: true,
    virtualModules: { triphase: await import('../index.ts') },
  });
  return loader.import<Record<string, unknown>>(file);
}
