import type { Finding } from '../domain/finding.ts';

/** A version of a function or a trigger that an open manifest lists. */
export interface ListedVersion {
  /** Such as `db/functions/touch_v02.sql`. */
  readonly file: string;
  readonly name: string;
  readonly version: number;
}

/** Versions that no migration names: they are made nowhere, and who reads the newest file takes it for what runs. */
export function checkUnusedVersions(versions: readonly ListedVersion[], texts: readonly string[]): Finding[] {
  return versions
    .filter((listed) => !texts.some((text) => uses(text, listed)))
    .map(({ file, name, version }) => ({
      code: 'unused_version',
      severity: 'warning',
      file,
      line: null,
      message: `No migration makes version ${version} of ${name}.`,
      remedy: `Use it in a migration, such as updateFunction(knex, '${name}', { version: ${version} }), or take the file out and run phase hash.`,
    }));
}

function uses(text: string, { name, version }: ListedVersion): boolean {
  const isNamed = ["'", '"', '`'].some((quote) => text.includes(`${quote}${name}${quote}`));
  return isNamed && new RegExp(`\\bversion:\\s*${version}\\b`).test(text);
}
