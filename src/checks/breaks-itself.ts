import type { Finding } from '../domain/finding.ts';
import type { Manifest } from '../domain/manifest.ts';
import { inRange } from '../domain/release.ts';

/** Migrations that break the release which brings them: they would be held for as long as that one is alive. */
export function checkBreaksItself(
  manifests: readonly { readonly file: string; readonly manifest: Manifest }[],
): Finding[] {
  return manifests.flatMap(({ file, manifest: { release, migrations } }) =>
    migrations.flatMap(({ id, breaks }) =>
      breaks === undefined || !inRange(release, breaks)
        ? []
        : [
            {
              code: 'breaks_itself',
              severity: 'error' as const,
              file,
              line: null,
              message: `${id} breaks ${breaks}, and with that ${release}, which brings it: it would be held for ever.`,
              remedy: `Name the releases that cannot live without it, such as <${release}.`,
            },
          ],
    ),
  );
}
