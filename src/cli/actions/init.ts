import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { loadModule as load } from '../../load.ts';
import { openProject } from '../../project/config.ts';
import { type FileChange, writeFiles } from '../../project/files.ts';
import { CONFIG_NAMES } from '../../project/find-config.ts';
import { folders } from '../../project/folders.ts';
import { packageName } from '../../project/package-json.ts';
import { targetRelease } from '../../project/target-release.ts';
import { deployFiles } from '../../scaffold/deploy.ts';
import { render } from '../../scaffold/templates.ts';
import { knexBaseline } from '../../wizard/from-knex.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function init(
  { surroundings: { cwd }, output }: CommandContext,
  { deploy, fromKnex }: { deploy?: string; fromKnex?: boolean },
): Promise<Result> {
  const baseline = fromKnex
    ? await knexBaseline({ root: cwd, load }, targetRelease(await openProject(cwd, { load })))
    : null;
  const changes = [
    ...(await initialFiles(cwd, baseline?.table ?? '')),
    ...(baseline?.changes ?? []),
    ...(deploy === undefined ? [] : await deployment(cwd, deploy)),
  ];
  await writeFiles(cwd, changes);
  const isTold = changes.some(({ path }) => path === 'phase.config.ts');
  if (baseline !== null && !isTold && baseline.table !== 'knex_migrations') {
    output.notice(`Add to the configuration: knexMigrations: '${baseline.table}'`);
  }
  const files = changes.map(({ path }) => path);
  const text = files.length === 0 ? 'Everything is there already.' : files.map((path) => `wrote ${path}`).join('\n');
  return { document: { files }, text };
}

/** @throws PH1015 for another platform, PH1005 when no release is known. */
async function deployment(root: string, platform: string): Promise<FileChange[]> {
  if (platform !== 'kubernetes') {
    throw new PhaseError('PH1015', { what: '--deploy', value: platform, allowed: 'kubernetes' });
  }
  const release = targetRelease(await openProject(root, { load }));
  return deployFiles((await packageName(root)) ?? 'app', release)
    .filter(({ path }) => !existsSync(join(root, path)))
    .map((file) => ({ ...file, mode: 'create' }));
}

/** @param knexMigrations the table of knex; empty where there is none. */
async function initialFiles(root: string, knexMigrations: string): Promise<FileChange[]> {
  const keep = Object.values(folders)
    .filter((folder) => folder !== folders.audits)
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
          content: render('project/phase.config.ts', { knexMigrations }),
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
