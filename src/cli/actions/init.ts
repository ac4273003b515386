import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { loadModule as load } from '../../load.ts';
import { openProject, type Project } from '../../project/config.ts';
import { type FileChange, writeFiles } from '../../project/files.ts';
import { CONFIG_NAMES } from '../../project/find-config.ts';
import { folders } from '../../project/folders.ts';
import { setGitConfig } from '../../project/git.ts';
import { packageName } from '../../project/package-json.ts';
import { productionInstall, wholeInstall } from '../../project/production-install.ts';
import { currentRelease, targetRelease } from '../../project/target-release.ts';
import { ciFiles, deployFiles, PLATFORM_NAMES } from '../../scaffold/deploy/files.ts';
import { render } from '../../scaffold/templates.ts';
import { type AdoptedSettings, type KnexBaseline, knexBaseline } from '../../wizard/adopt/baseline.ts';
import { takenInByBuild } from '../../wizard/adopt/tsconfig.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';
import { adoptedBaseline } from './adopted-baseline.ts';

const NOT_ADOPTED: AdoptedSettings = { knexfile: null, knexEnvironment: null, knexMigrations: null };

export interface InitFlags {
  readonly deploy?: string;
  readonly ci?: string;
  /** Sets up git's merge driver for manifests. */
  readonly git?: boolean;
  readonly fromKnex?: boolean;
  readonly knexfile?: string;
  readonly env?: string;
  readonly directory: readonly string[];
  readonly table?: string;
  /** Whether what was taken over is tried on an empty database. */
  readonly replay: boolean;
}

export async function init(context: CommandContext, flags: InitFlags): Promise<Result> {
  const { cwd } = context.surroundings;
  ensureTogether(flags);
  const baseline = flags.fromKnex ? await baselineFor(cwd, flags) : null;
  const changes = [
    ...(await initialFiles(cwd, baseline?.settings ?? null)),
    ...(baseline?.changes ?? []),
    ...(flags.deploy === undefined ? [] : await deployment(cwd, flags.deploy)),
    ...(flags.ci === undefined ? [] : await workflow(cwd, flags.ci)),
    ...(flags.git ? await attributes(cwd) : []),
  ];
  await writeFiles(cwd, changes);
  if (flags.git) setUpDriver(context, cwd);
  tellBuild(context);
  const files = changes.map(({ path }) => path);
  const text = files.length === 0 ? ['Everything is there already.'] : files.map((path) => `wrote ${path}`);
  if (baseline === null) return { document: { files }, text: text.join('\n') };
  if (!files.includes('phase.config.ts'))
    tellSettings(context, baseline.settings, (await openProject(cwd, { load })).config);
  if (currentRelease(await openProject(cwd, { load })) === null)
    context.output.notice('No release is known here: set release in phase.config.ts, or version in package.json.');
  const adopted = await adoptedBaseline(context, baseline, flags.replay);
  return { document: { files, ...adopted.document }, text: [...text, ...adopted.text].join('\n') };
}

/** @throws PH1001 for a flag that says how to do what is not asked for. */
function ensureTogether({ fromKnex, knexfile, env, directory, table }: InitFlags): void {
  const given = { '--knexfile': knexfile, '--env': env, '--directory': directory[0], '--table': table };
  const alone = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (fromKnex || alone.length === 0) return;
  throw new PhaseError('PH1001', { problem: `${alone.join(', ')} goes with --from-knex` });
}

async function baselineFor(root: string, { knexfile, env, directory, table }: InitFlags): Promise<KnexBaseline> {
  const inRoot = (path: string): string => relative(root, resolve(root, path)) || '.';
  const request = {
    knexfile: knexfile === undefined ? undefined : inRoot(knexfile),
    environment: env,
    directories: directory.map(inRoot),
    table,
  };
  return knexBaseline({ root, load }, request, currentRelease(await openProject(root, { load })));
}

/** One that cannot be read is the build's own matter. */
function tellBuild({ surroundings: { cwd }, output }: CommandContext): void {
  let taken: string[] = [];
  try {
    taken = takenInByBuild(cwd);
  } catch {
    return;
  }
  if (taken.length === 0) return;
  output.notice(
    `tsconfig.json takes in ${taken.join(', ')}, which run as they are and need no build: name them in its "exclude".`,
  );
}

/** A configuration that is there is somebody's own: what it is to say is said. */
function tellSettings({ output }: CommandContext, settings: AdoptedSettings, config: Project['config']): void {
  const keys = ['knexfile', 'knexEnvironment', 'knexMigrations'] as const;
  const missing = keys.filter((key) => settings[key] !== null && settings[key] !== config[key]);
  if (missing.length === 0) return;
  output.notice(`Add to the configuration: ${missing.map((key) => `${key}: '${settings[key]}'`).join(', ')}`);
}

/** @throws PH1015 for another CI. */
async function workflow(root: string, ci: string): Promise<FileChange[]> {
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
async function attributes(root: string): Promise<FileChange[]> {
  const before = await readFile(join(root, '.gitattributes'), 'utf8').catch(() => '');
  if (before.split(/\r?\n/).includes(ATTRIBUTE)) return [];
  const kept = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  return [{ path: '.gitattributes', content: `${kept}${ATTRIBUTE}\n`, mode: 'replace' }];
}

function setUpDriver({ output }: CommandContext, root: string): void {
  if (
    setGitConfig(root, 'merge.phase.name', 'manifests of triphase') &&
    setGitConfig(root, 'merge.phase.driver', DRIVER)
  ) {
    output.notice(
      `In other clones: git config merge.phase.driver '${DRIVER}'. Without it git leaves conflicts, and phase rebase settles them.`,
    );
    return;
  }
  output.notice(`This is no repository of git: there, git config merge.phase.driver '${DRIVER}'.`);
}

const DRIVER = 'npx --no-install phase merge-manifest %O %A %B %P';

/** @throws PH1015 for another platform, PH1005 when no release is known. */
async function deployment(root: string, platform: string): Promise<FileChange[]> {
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

/** @param adopted what a project of knex says; null where there is none. */
async function initialFiles(root: string, adopted: AdoptedSettings | null): Promise<FileChange[]> {
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
          content: render('project/phase.config.ts', adopted ?? NOT_ADOPTED),
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
