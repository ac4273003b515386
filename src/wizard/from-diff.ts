import { join } from 'node:path';
import { slug } from '../domain/identifier.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import { timestamp } from '../planner/rename/plan.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import type { FileChange } from '../project/files.ts';
import { migrationFolder } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { render } from '../scaffold/templates.ts';
import type { ReversibleStep } from '../schema/safe-step.ts';
import { formatted } from '../schema/structure.ts';
import { afterExisting } from './files.ts';

export interface FromDiffOptions {
  /** In the names of the files. */
  readonly name: string;
  readonly release: Release;
  readonly now: Date;
  /** Of all that are written now: how many come before these, and how many there are. */
  readonly at: number;
  readonly of: number;
}

/** The migrations of a difference, each about one thing, and the manifest that lists them. Nothing is written. */
export async function draftFromDiff(
  history: History,
  steps: readonly ReversibleStep[],
  { name, release, now, at, of }: FromDiffOptions,
): Promise<FileChange[]> {
  if (steps.length === 0) return [];
  const first = afterExisting(history, now);
  const files = steps.map((step, index): FileChange & { readonly entry: ManifestEntry } => {
    const about = slug(step.about).slice(0, 60);
    const id = `${timestamp(first, at + index)}_${of === 1 ? name : `${name}_${about}`}`.slice(0, 120);
    const content = contentOf(step);
    const extension = step.index === undefined ? 'sql' : 'ts';
    return {
      path: join(migrationFolder('schema'), `${id}.${extension}`),
      content,
      mode: 'create',
      entry: { id, kind: 'schema', sha256: checksum(content) },
    };
  });
  const manifest = await changeManifest(history.root, { release, add: files.map(({ entry }) => entry) });
  return [...files.map(({ path, content, mode }) => ({ path, content, mode })), manifest];
}

function contentOf({ up, down, isAlone, index }: ReversibleStep): string {
  if (index !== undefined) {
    const { on, name, definition, isUnique, isDrop } = index;
    return render('migration/from-diff-index.ts', {
      index: JSON.stringify({ on, name, definition, ...(isUnique ? { unique: true } : {}) }, null, 2),
      isDrop,
    });
  }
  const lines = (statements: readonly string[]): string[] => statements.map((sql) => formatted({ sql }));
  return render('migration/from-diff.sql', { up: lines(up), down: lines(down), isAlone });
}
