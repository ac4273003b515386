import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createJiti, type Jiti } from 'jiti';

/** What migrations import as `triphase`: the copy that runs them, wherever that is installed. */
const ownIndex = ['../index.js', '../index.ts']
  .map((file) => fileURLToPath(new URL(file, import.meta.url)))
  .find((file) => existsSync(file));

let loader: Jiti | undefined;

/** Loads a TypeScript or JavaScript module of the application, ES or CommonJS. */
export async function loadModule(file: string): Promise<Record<string, unknown>> {
  loader ??= createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    ...(ownIndex === undefined ? {} : { alias: { triphase: ownIndex } }),
  });
  return loader.import<Record<string, unknown>>(file);
}
