import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { loadModule as load } from '../load.ts';
import { openProject } from '../project/config.ts';
import type { FileChange } from '../project/files.ts';
import { CONFIG_NAMES } from '../project/find-config.ts';
import { folders } from '../project/folders.ts';
import { packageName } from '../project/package-json.ts';
import { productionInstall, wholeInstall } from '../project/production-install.ts';
import { targetRelease } from '../project/target-release.ts';
import { ciFiles, deployFiles, PLATFORM_NAMES } from '../scaffold/deploy/files.ts';
import { render } from '../scaffold/templates.ts';
import type { AdoptedSettings } from '../wizard/adopt/baseline.ts';

/** What the configuration is to say; the ledger of a former tool as text. */
export interface Settings extends AdoptedSettings {
  readonly formerLedger: string | null;
}

/** The configuration, where there is none, and the folders. */
export async function initialFiles(root: string, settings: Settings): Promise<FileChange[]> {
  const keep = Object.values(folders)
    .filter((folder) => folder !== folders.audits && folder !== folders.shadow && folder !== folders.structure)
    .map((folder) => ({
      path: join(folder, '.gitkeep'),
      content: '',
      mode: 'create' as const,
    }));
  const config = CONFIG_NAMES.some((name) => existsSync(join(root, name)))
    ? []
    : [
        {
          path: 'phase.config.ts',
          content: render('project/phase.config.ts', settings),
          mode: 'create' as const,
        },
      ];
  const missing = keep.filter(({ path }) => !existsSync(join(root, path)) && !existsSync(join(root, path, '..')));
  return [...config, ...missing, ...(await ignoreOwnFolder(root))];
}

/** `.phase/` holds the embedded server, and audits what is in the database: neither belongs into version control. */
async function ignoreOwnFolder(root: string): Promise<FileChange[]> {
  const text = await readFile(join(root, '.gitignore'), 'utf8').catch(() => null);
  const lines = text?.split(/\r?\n/) ?? [];
  const missing = ['.phase/', `${folders.audits}/`].filter((line) => !lines.includes(line));
  if (missing.length === 0) return [];
  const before = text === null || text === '' || text.endsWith('\n') ? (text ?? '') : `${text}\n`;
  const content = `${before}${missing.map((line) => `${line}\n`).join('')}`;
  return [{ path: '.gitignore', content, mode: text === null ? 'create' : 'replace' }];
}

/** What runs migrations on a platform. @throws PH1015 for another platform, PH1005 when no release is known. */
export async function deployment(root: string, platform: string): Promise<FileChange[]> {
  const known = PLATFORM_NAMES.find((name) => name === platform);
  if (known === undefined) {
    throw new PhaseError('PH1015', { what: '--deploy', value: platform, allowed: PLATFORM_NAMES.join(', ') });
  }
  const release = targetRelease(await openProject(root, { load }));
  const name = (await packageName(root)) ?? 'app';
  return deployFiles(known, { name, release, install: await productionInstall(root) })
    .filter(({ path }) => !existsSync(join(root, path)))
    .map((file) => ({ ...file, mode: 'create' }));
}

/** A workflow that judges pull requests. @throws PH1015 for another CI. */
export async function workflow(root: string, ci: string): Promise<FileChange[]> {
  if (ci !== 'github')
    throw new PhaseError('PH1015', {
      what: '--ci',
      value: ci,
      allowed: 'github; docs/pull-requests.md has the steps for others',
    });
  return ciFiles(ci, await wholeInstall(root))
    .filter(({ path }) => !existsSync(join(root, path)))
    .map((file) => ({ ...file, mode: 'create' }));
}

const ATTRIBUTE = `${folders.releases}/*.yml merge=phase`;

/** Which files the driver is for stands in the repository; the driver itself in the configuration of each clone. */
export async function attributes(root: string): Promise<FileChange[]> {
  const before = await readFile(join(root, '.gitattributes'), 'utf8').catch(() => '');
  if (before.split(/\r?\n/).includes(ATTRIBUTE)) return [];
  const kept = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  return [{ path: '.gitattributes', content: `${kept}${ATTRIBUTE}\n`, mode: 'replace' }];
}
