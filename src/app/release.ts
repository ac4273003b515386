import { readFile } from 'node:fs/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { packageRelease } from '../project/package-json.ts';

/**
 * The release of an application: what was given, the configuration's, the version in package.json.
 * @param configFile is loaded only where its text speaks of a release: it is code, which takes its time.
 * @throws PH1005 when nothing says it, PH1003 when the configuration cannot be loaded.
 */
export async function applicationRelease(
  root: string,
  configFile: string | null,
  given: string | undefined,
): Promise<Release> {
  if (given !== undefined) return parseRelease(given);
  const release = (configFile === null ? null : await configured(configFile)) ?? (await packageRelease(root));
  if (release === null) throw new PhaseError('PH1005', {});
  return release;
}

async function configured(configFile: string): Promise<Release | null> {
  const lines = (await readFile(configFile, 'utf8')).split('\n');
  // Those of comments, as in a configuration that phase has begun, are none of its code.
  if (!lines.some((line) => /\brelease\b/.test(line) && !/^\s*(\/\/|\*)/.test(line))) return null;
  const [{ openProject }, { loadModule: load }] = await Promise.all([
    import('../project/config.ts'),
    import('../load.ts'),
  ]);
  return (await openProject(configFile, { load, configFile })).config.release ?? null;
}
