import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';

/** A file to be written, relative to the project's root. */
export interface FileChange {
  readonly path: string;
  readonly content: string;
  /** `create` refuses a file that exists; `replace` writes over it. */
  readonly mode: 'create' | 'replace';
}

/**
 * Writes all files or none: each under a temporary name first, then all renamed; on an error what was there before is
 * put back.
 * @param removed paths of files that go once the others are there.
 * @throws PH1011 when a file to be created exists, PH5011 when the file system refuses.
 */
export async function writeFiles(
  root: string,
  changes: readonly FileChange[],
  removed: readonly string[] = [],
): Promise<void> {
  const existing = changes.filter(({ mode, path }) => mode === 'create' && existsSync(join(root, path)));
  if (existing.length > 0) throw new PhaseError('PH1011', { files: existing.map(({ path }) => path) });
  const undo: (() => Promise<unknown>)[] = [];
  let current = '';
  try {
    for (const { path } of changes) {
      current = path;
      await makeFolder(dirname(join(root, path)), undo);
    }
    for (const { path, content } of changes) {
      current = path;
      undo.push(() => rm(temporary(root, path), { force: true }));
      await writeFile(temporary(root, path), content);
    }
    for (const { path } of changes) {
      current = path;
      const before = await readFile(join(root, path)).catch(() => null);
      await rename(temporary(root, path), join(root, path));
      undo.push(() => (before === null ? rm(join(root, path), { force: true }) : writeFile(join(root, path), before)));
    }
    for (const path of removed) {
      current = path;
      const before = await readFile(join(root, path));
      await rm(join(root, path));
      undo.push(() => writeFile(join(root, path), before));
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new PhaseError('PH5011', { file: current, reason }, { cause: error });
  }
}

/** Writes files. */
export type Write = (changes: readonly FileChange[]) => Promise<void>;

/** Several writes, of which each needs what the one before has written, as one: when something fails after some of them, what was there before is put back. */
export async function writeTogether<T>(root: string, body: (write: Write) => Promise<T>): Promise<T> {
  const before = new Map<string, string | null>();
  const write: Write = async (changes) => {
    for (const { path } of changes)
      if (!before.has(path)) before.set(path, await readFile(join(root, path), 'utf8').catch(() => null));
    await writeFiles(root, changes);
  };
  try {
    return await body(write);
  } catch (error) {
    for (const [path, content] of before)
      await (content === null ? rm(join(root, path), { force: true }) : writeFile(join(root, path), content));
    throw error;
  }
}

const temporary = (root: string, path: string): string => `${join(root, path)}.${process.pid}.tmp`;

async function makeFolder(folder: string, undo: (() => Promise<unknown>)[]): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolder(dirname(folder), undo);
  await mkdir(folder);
  undo.push(() => rmdir(folder));
}
