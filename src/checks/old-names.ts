import { type Change, type Changes, freshInWords, pairsOf } from '../domain/change.ts';
import type { Finding, Usage } from '../domain/finding.ts';
import type { Manifest } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';

/**
 * The renames, not other changes, whose old names the code of a release must not use: from the release of the second phase up to the
 * released one of the third, or until a later rename has given the name to another column of the table.
 */
export function switchedRenames(manifests: readonly Manifest[], changes: Changes, release: Release): Rename[] {
  const reached = manifests.filter((manifest) => compareReleases(manifest.release, release) <= 0);
  const inPhase = (wanted: number, of: readonly Manifest[]): Rename[] => {
    const entries = of.flatMap(({ migrations }) =>
      migrations.filter(({ phase, step }) => phase === wanted && step !== 'refresh'),
    );
    const found = [...new Set(entries.map(({ rename }) => rename))].flatMap((name) => oldOf(changes.get(name ?? '')));
    return found.filter(({ retype }) => retype === null);
  };
  const isOver = ({ release: own, state }: Manifest): boolean =>
    state === 'released' && compareReleases(own, release) < 0;
  const begun = inPhase(1, reached);
  const ended = inPhase(3, reached.filter(isOver));
  const switched = inPhase(2, reached).filter(
    (rename) => !ended.some((other) => other.name === rename.name) && !begun.some((other) => takesName(other, rename)),
  );
  return [...new Map(switched.map((rename) => [`${rename.name} ${rename.from}`, rename])).values()].map((rename) => {
    const change = changes.get(rename.name);
    return change === undefined ? rename : { ...rename, to: freshInWords(change) };
  });
}

const oldOf = (change: Change | undefined): Rename[] => (change === undefined ? [] : pairsOf(change));

function takesName({ table, to }: Rename, { table: { schema, name }, from }: Rename): boolean {
  return table.schema === schema && table.name === name && to === from;
}

/** Code that names a column by its old name from the release of phase 2 on. */
export function checkOldNames({ name, from, to }: Rename, usages: readonly Usage[]): Finding[] {
  // One that has the name alone is most often of another table: phase usages lists it.
  const meant = usages.filter(({ certainty }) => certainty !== 'by_name');
  return meant.map(({ file, line }) => ({
    code: 'old_name',
    severity: 'error',
    file,
    line,
    message: `${from} is called ${to} since phase 2 of ${name}.`,
    remedy: `Write ${to}. Where it is another ${from}, end the line with a comment that says phase-ignore.`,
  }));
}
