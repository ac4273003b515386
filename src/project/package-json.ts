import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRelease, type Release } from '../domain/release.ts';

/** The application's version in package.json; null where there is none that can be read as a release. */
export async function packageRelease(root: string): Promise<Release | null> {
  try {
    return parseRelease(String((await readPackage(root)).version));
  } catch {
    return null;
  }
}

/** The application's name in package.json, where there is one that can be read. */
export async function packageName(root: string): Promise<string | null> {
  const { name } = await readPackage(root).catch(() => ({ name: undefined }));
  return typeof name === 'string' ? name : null;
}

async function readPackage(root: string): Promise<{ readonly name?: unknown; readonly version?: unknown }> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
}
