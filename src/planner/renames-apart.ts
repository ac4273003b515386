import { type Change, type Changes, kindOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { groupBy } from '../domain/group.ts';
import type { Manifest } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { wholeOf } from '../domain/rename.ts';
import { exclusiveObject, exclusiveObjectsOf } from '../objects/shared.ts';

/** In which releases a rename begins and ends; `last` is null as long as no manifest lists its third phase. */
interface Span {
  readonly rename: Change;
  readonly first: Release;
  readonly last: Release | null;
}

/**
 * Two renames that share a column, an index or another object follow each other: the first phase of the second is in a
 * later release than the last phase of the first.
 * @param upTo renames that begin later are not looked at.
 * @throws PH3017
 */
export function ensureRenamesApart(manifests: readonly Manifest[], renames: Changes, upTo: Release): void {
  const spans = spansOf(manifests, renames).filter(({ first }) => compareReleases(first, upTo) <= 0);
  const named = spans.flatMap((span) => exclusiveObjectsOf(span.rename).map(([key]) => ({ key, span })));
  for (const sharing of groupBy(named, ({ key }) => key).values()) {
    sharing.forEach(({ span }, index) => {
      for (const { span: other } of sharing.slice(0, index)) ensureApart(other, span);
    });
  }
}

function spansOf(manifests: readonly Manifest[], renames: Changes): Span[] {
  const releases = new Map<string, Map<number, Release>>();
  for (const { release, migrations } of manifests) {
    for (const { rename, phase } of migrations) {
      if (rename === undefined || phase === undefined) continue;
      const phases = releases.get(rename) ?? new Map<number, Release>();
      const known = phases.get(phase);
      // A backport lists it again: its release is the lowest.
      if (known === undefined || compareReleases(release, known) < 0) phases.set(phase, release);
      releases.set(rename, phases);
    }
  }
  return [...renames.values()].flatMap((rename) => {
    const phases = releases.get(wholeOf(rename));
    const first = phases?.get(1);
    return phases && first !== undefined ? [{ rename, first, last: phases.get(3) ?? null }] : [];
  });
}

function ensureApart(a: Span, b: Span): void {
  if (wholeOf(a.rename) === wholeOf(b.rename)) return;
  const [first, second] = compareReleases(a.first, b.first) <= 0 ? [a, b] : [b, a];
  if (first.last !== null && compareReleases(second.first, first.last) > 0) return;
  throw new PhaseError('PH3017', {
    first: first.rename.name,
    second: second.rename.name,
    object: exclusiveObject(first.rename, second.rename) ?? '',
    ends: first.last,
    begins: second.first,
    files: [first, second].map(
      ({ rename }) => `db/${kindOf(rename) === 'rename' ? 'renames' : 'changes'}/${wholeOf(rename)}.yml`,
    ),
  });
}
