import { checkBase } from '../../checks/base.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { folders } from '../../project/folders.ts';
import { fileInGit, filesInCommit } from '../../project/git.ts';
import type { History } from '../../project/history.ts';
import { manifestPath, parseManifest } from '../../project/manifests.ts';

export interface Beside {
  readonly findings: readonly Finding[];
  /** Ids of migrations that the base has. */
  readonly known: ReadonlySet<string>;
}

/** How the branch stands to the base. @throws PH1036 for a base that git does not know here. */
export function compareWithBase({ root, manifests }: Pick<History, 'root' | 'manifests'>, base: string): Beside {
  const files = filesInCommit(root, base, folders.releases);
  if (files === null)
    throw new PhaseError('PH1036', {
      source: `git:${base}`,
      reason: 'git does not know this commit here: fetch it first.',
    });
  const bases = files
    .filter((file) => /\.ya?ml$/i.test(file))
    .map((path) => parseManifest(path, fileInGit(root, base, path) ?? ''));
  const known = new Set(bases.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  const own = manifests.map((manifest) => ({ file: manifestPath(manifest.release), manifest }));
  return { findings: checkBase(base, bases, own), known };
}
