import type { Finding } from '../domain/finding.ts';
import type { Manifest } from '../domain/manifest.ts';

/** Manifests that say something else of what a migration touches than was observed: a step could pass one that it must not. */
export function checkTouches(
  manifests: readonly { readonly file: string; readonly manifest: Manifest }[],
  observed: ReadonlyMap<string, readonly string[]>,
): Finding[] {
  return manifests.flatMap(({ file, manifest }) =>
    manifest.migrations.flatMap(({ id, touches }) => {
      const seen = observed.get(id);
      if (touches === undefined || seen === undefined || same(touches, seen)) return [];
      const message = `${id} touches ${seen.join(', ') || 'no table'}; the manifest says ${touches.join(', ') || 'none'}.`;
      const remedy = `Take touches of ${id} out of ${file}, and run phase hash.`;
      return [{ code: 'touches_differ', severity: 'error' as const, file, line: null, message, remedy }];
    }),
  );
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join('\n') === [...other].sort().join('\n');
}
