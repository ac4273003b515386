import { createRequire } from 'node:module';
import { join } from 'node:path';

/** TypeScript's own parser, as its version 5 has it. */
export type TypeScript = typeof import('typescript-5');

/** Of the project, or of a folder above it; null where there is none that can be called, as of version 7. */
export function typescriptOf(root: string): TypeScript | null {
  for (const name of ['typescript', 'typescript-5', '@typescript/old']) {
    try {
      const found = createRequire(join(root, 'package.json'))(name) as Partial<TypeScript>;
      if (typeof found.createSourceFile === 'function') return found as TypeScript;
    } catch {
      // It is not installed.
    }
  }
  return null;
}
