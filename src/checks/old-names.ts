import type { Finding, Usage } from '../domain/finding.ts';
import type { Manifest } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';

/**
 * The renames whose old names the code of a release must not use any more: their second phase has come, and no later
 * rename has given the name to another column of the table.
 */
export function switchedRenames(
  manifests: readonly Manifest[],
  renames: ReadonlyMap<string, Rename>,
  release: Release,
): Rename[] {
  const entries = manifests
    .filter((manifest) => compareReleases(manifest.release, release) <= 0)
    .flatMap(({ migrations }) => migrations);
  const inPhase = (wanted: number): Rename[] => {
    const names = new Set(entries.filter(({ phase }) => phase === wanted).map(({ rename }) => rename));
    return [...names].flatMap((name) => renames.get(name ?? '') ?? []);
  };
  const begun = inPhase(1);
  return inPhase(2).filter((rename) => !begun.some((other) => takesName(other, rename)));
}

function takesName({ table, to }: Rename, { table: { schema, name }, from }: Rename): boolean {
  return table.schema === schema && table.name === name && to === from;
}

/** Code that names a column by its old name from the release of phase 2 on. */
export function checkOldNames({ name, from, to }: Rename, usages: readonly Usage[]): Finding[] {
  return usages.map(({ file, line }) => ({
    code: 'old_name',
    severity: 'error',
    file,
    line,
    message: `${from} is called ${to} since phase 2 of ${name}.`,
    remedy: `Write ${to}. Where it is another ${from}, end the line with a comment that says phase-ignore.`,
  }));
}
