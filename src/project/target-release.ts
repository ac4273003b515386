import { PhaseError } from '../domain/errors/phase-error.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import type { Project } from './config.ts';

/** The release of this project: what was given, the configuration's, the version in package.json; null when nothing says it. */
export function currentRelease(
  { config, packageRelease }: Pick<Project, 'config' | 'packageRelease'>,
  given?: string,
): Release | null {
  return given === undefined ? (config.release ?? packageRelease) : parseRelease(given);
}

/** The release that a command means. @throws PH1005 when nothing says it. */
export function targetRelease(project: Project, given?: string): Release {
  const release = currentRelease(project, given);
  if (release === null) throw new PhaseError('PH1005', {});
  return release;
}
