import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createFilesMatcher, parseTsconfig } from 'get-tsconfig';
import { folders } from '../../project/folders.ts';

/**
 * What a build of the project's TypeScript would take in of what is written for phase, which runs as it is: relative to the root. With it the build's
 * output would get other folders, or be type-checked by other rules.
 */
export function takenInByBuild(root: string): string[] {
  const path = join(root, 'tsconfig.json');
  if (!existsSync(path)) return [];
  const found = { path, config: parseTsconfig(path) };
  // A project that only names others compiles nothing itself.
  if (found.config.files?.length === 0 && found.config.include === undefined) return [];
  const matches = createFilesMatcher(found);
  const samples = {
    db: join(folders.migrate, '20260101000000_any.ts'),
    'phase.config.ts': 'phase.config.ts',
    'lib/tasks': join(folders.tasks, 'any.ts'),
  };
  return Object.entries(samples).flatMap(([name, file]) => (matches(join(root, file)) === undefined ? [] : [name]));
}
