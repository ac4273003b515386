import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { writeFiles } from '../../project/files.ts';
import { folders } from '../../project/folders.ts';
import { dumpStructure } from '../../sources/dump.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';

interface DumpFlags {
  check?: boolean;
  out?: string;
  release?: string;
}

export async function runDump(context: CommandContext, { check = false, out, release }: DumpFlags): Promise<Result> {
  const surroundings = await surroundingsOf(context, release);
  const { root } = surroundings.project;
  const path = out === undefined ? folders.structure : relative(root, resolve(context.surroundings.cwd, out));
  const { text: content, missing } = await dumpStructure(surroundings);
  for (const line of missing) context.output.notice(`${path} does not hold all of the schema: ${line}`);
  const before = await readFile(resolve(root, path), 'utf8').catch(() => null);
  const changed = before?.replaceAll('\r\n', '\n') !== content;
  if (changed && !check) await writeFiles(root, [{ path, content, mode: 'replace' }]);
  const said = !changed
    ? `${path} is as it was`
    : check
      ? `${path} would change: phase dump writes it`
      : `wrote ${path}`;
  return { document: { file: path, changed, missing }, text: said, exitCode: check && changed ? 7 : 0 };
}
