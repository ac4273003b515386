import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry } from '../domain/manifest.ts';
import { compareReleases, isRange, parseRelease, type Release } from '../domain/release.ts';
import { STEP_FACTS, STEP_NAMES } from '../domain/rename.ts';
import { manifestSum } from './checksum.ts';
import { folders } from './folders.ts';
import { problemOf, strict } from './problems.ts';
import { readYaml } from './yaml.ts';

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hexadecimal'));
const texts = v.array(v.string());

/** The same on every system that the files are taken to. */
const isRelative = (path: string): boolean => path !== '' && !/^[/\\]|^[a-z]:|\\/i.test(path);

/** Every scalar of a manifest is read as text, so that `1.10` and a checksum of digits stay what they are. */
const entrySchema = v.pipe(
  strict({
    id: v.pipe(v.string(), v.nonEmpty('is empty')),
    kind: v.picklist(['schema', 'data']),
    sha256,
    rename: v.optional(v.string()),
    phase: v.optional(
      v.pipe(
        v.picklist(['1', '2', '3']),
        v.transform((phase) => Number(phase) as 1 | 2 | 3),
      ),
    ),
    step: v.optional(v.picklist(STEP_NAMES)),
    after: v.optional(texts),
    touches: v.optional(texts),
    breaks: v.optional(v.pipe(v.string(), v.check(isRange, 'is not a range of releases'))),
    file: v.optional(v.pipe(v.string(), v.check(isRelative, 'is not a path relative to the configuration'))),
    transaction: v.optional(v.literal('no')),
  }),
  v.check(
    ({ rename, phase, step }) => new Set([rename, phase, step].map((part) => part === undefined)).size === 1,
    'rename, phase and step go together',
  ),
  v.check((entry) => isOfItsPhase(entry), 'its phase and kind are not those of its step'),
);

function isOfItsPhase({ phase, step, kind }: Pick<ManifestEntry, 'phase' | 'step' | 'kind'>): boolean {
  if (step === undefined) return true;
  if (step === 'refresh') return kind === 'schema';
  return STEP_FACTS[step].phase === phase && STEP_FACTS[step].kind === kind;
}

const manifestSchema = strict({
  release: v.string(),
  state: v.picklist(['open', 'released']),
  migrations: v.optional(v.array(entrySchema), []),
  sources: v.optional(v.array(strict({ file: v.string(), sha256 })), []),
  replaces: v.optional(v.pipe(texts, v.minLength(1, 'names nothing'))),
  earlier: v.optional(v.array(strict({ ids: texts, replaces: texts }))),
  sum: v.optional(v.string()),
});

/** How the names of manifests end. */
const MANIFEST = /\.ya?ml$/i;

/** Where a release's manifest is, relative to the root. */
export function manifestPath(release: Release): string {
  return join(folders.releases, `${release}.yml`);
}

/**
 * Reads all manifests, in ascending order of their releases.
 * @throws PH3005 when one cannot be read, PH3006 when a released one was edited.
 */
export async function readManifests(root: string): Promise<Manifest[]> {
  const names = await readdir(join(root, folders.releases)).catch(() => []);
  const files = names.filter((name) => MANIFEST.test(name)).map((name) => join(folders.releases, name));
  return manifestsOf(await Promise.all(files.map(async (file) => ({ file, text: await readText(root, file) }))));
}

/** @throws PH3005 for a folder, a link that leads nowhere, or a file that may not be read. */
async function readText(root: string, file: string): Promise<string> {
  try {
    return await readFile(join(root, file), 'utf8');
  } catch (error) {
    throw new PhaseError(
      'PH3005',
      { file, problems: [`it cannot be read (${(error as Error).message})`] },
      { cause: error },
    );
  }
}

/** The same where nothing can be waited for. */
export function readManifestsSync(root: string): Manifest[] {
  const folder = join(root, folders.releases);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const files = names.filter((name) => MANIFEST.test(name)).map((name) => join(folders.releases, name));
  return manifestsOf(files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') })));
}

function manifestsOf(files: readonly { readonly file: string; readonly text: string }[]): Manifest[] {
  const manifests = files.map(({ file, text }) => ({ file, manifest: parseManifest(file, text) }));
  for (const { file, manifest } of manifests) ensureNamedForItsRelease(file, manifest);
  ensureOneFilePerRelease(manifests);
  for (const { file, manifest } of manifests) ensureUnedited(file, manifest);
  return manifests.map(({ manifest }) => manifest).sort((a, b) => compareReleases(a.release, b.release));
}

/** @throws PH3005 */
export function parseManifest(file: string, text: string): Manifest {
  const result = v.safeParse(manifestSchema, readYaml(file, text));
  if (!result.success) throw new PhaseError('PH3005', { file, problems: result.issues.map(problemOf) });
  try {
    return { ...result.output, release: parseRelease(result.output.release) };
  } catch (error) {
    throw new PhaseError('PH3005', { file, problems: [`release: ${(error as Error).message}`] }, { cause: error });
  }
}

function ensureNamedForItsRelease(file: string, { release }: Manifest): void {
  if (isNameOf(basename(file), release)) return;
  throw new PhaseError('PH3005', {
    file,
    problems: [`it says release ${release}, so its name has to be ${release}.yml`],
  });
}

function ensureOneFilePerRelease(manifests: readonly { file: string; manifest: Manifest }[]): void {
  for (const { file, manifest } of manifests) {
    const other = manifests.find(
      (candidate) => candidate.manifest.release === manifest.release && candidate.file !== file,
    );
    if (other)
      throw new PhaseError('PH3005', { file, problems: [`${other.file} is release ${manifest.release}, too`] });
  }
}

function ensureUnedited(file: string, manifest: Manifest): void {
  const isOpen = manifest.state === 'open';
  const wanted = isOpen ? undefined : manifestSum(manifest);
  if (manifest.sum !== wanted) throw new PhaseError('PH3006', { manifest: file, isOpen });
}

/** The file that the manifest is in: its name may write the version in another way, such as `v1.0.yml`. */
export async function pathOf(root: string, release: Release): Promise<string> {
  const usual = manifestPath(release);
  const names = await readdir(join(root, folders.releases)).catch(() => []);
  const other = names.find((name) => MANIFEST.test(name) && isNameOf(name, release));
  return other === undefined ? usual : join(folders.releases, other);
}

function isNameOf(name: string, release: Release): boolean {
  try {
    return parseRelease(name.replace(MANIFEST, '')) === release;
  } catch {
    return false;
  }
}
