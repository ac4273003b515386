import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { packageRelease } from '../project/package-json.ts';

/**
 * The release of an application: what was given, the configuration's, the version in package.json.
 * @param configFile is loaded only where its text may say one: it is code, which takes its time.
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
  if (!maySayRelease(await readFile(configFile, 'utf8'))) return null;
  try {
    const [{ openProject }, { loadModule: load }] = await Promise.all([
      import('../project/config.ts'),
      import('../load.ts'),
    ]);
    return (await openProject(configFile, { load, configFile })).config.release ?? null;
  } catch (error) {
    if (error instanceof PhaseError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const problem = `it cannot be loaded here (${reason}): give withRenames the release`;
    throw new PhaseError('PH1003', { file: basename(configFile), problems: [problem] }, { cause: error });
  }
}

/** Whether a configuration names a release, or takes anything from elsewhere, which may. Lines of comments, as phase begins one with, are none of its code. */
function maySayRelease(text: string): boolean {
  return text
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\*)/.test(line) && !/^import\b[^'"]*from ['"]triphase['"];?\s*$/.test(line))
    .some((line) => /\b(release|import|require|from)\b|\.\.\./.test(line));
}
