import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkBreaksItself } from '../../checks/breaks-itself.ts';
import { checkOldNames, switchedRenames } from '../../checks/old-names.ts';
import { checkUneditedCopies } from '../../checks/unedited-copies.ts';
import { checkNewForKnex, checkUnfit, checkUnlisted } from '../../checks/unlisted.ts';
import { changesOf } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { manifestRelease, type Release } from '../../domain/release.ts';
import { orderMigrations } from '../../planner/order.ts';
import { ensurePhasesFollow } from '../../planner/phases-follow.ts';
import { ensureRenamesApart } from '../../planner/renames-apart.ts';
import { uneditedCopies } from '../../project/copies.ts';
import {
  ensureFilesIntact,
  type History,
  newForKnex,
  readHistory,
  unfitFiles,
  unlistedFiles,
} from '../../project/history.ts';
import { manifestPath } from '../../project/manifests.ts';
import { fileOf, type MigrationFile } from '../../project/migrations.ts';
import { parseSqlMigration } from '../../project/sql-migration.ts';
import { findUsages } from '../../usages/find.ts';
import { findingOf } from './finding-of.ts';

/** What the files alone tell, as far as one thing does not hide another. */
export async function checkFiles(root: string, release: Release | null): Promise<Finding[]> {
  const findings: Finding[] = [];
  let files: readonly MigrationFile[] = [];
  const looked = async <T>(look: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof PhaseError)) throw error;
      findings.push(findingOf(error, files));
      return null;
    }
  };
  const history = await looked(() => readHistory(root));
  if (history === null) return findings;
  const { manifests } = history;
  files = history.files;
  for (const manifest of manifests) await looked(() => ensureFilesIntact(history, [manifest]));
  for (const path of openScripts(history))
    await looked(async () => parseSqlMigration(path, await readFile(join(root, path), 'utf8')));
  const last = manifests.at(-1)?.release;
  await looked(() => orderMigrations(manifests));
  if (last !== undefined) await looked(() => ensureRenamesApart(manifests, changesOf(history), last));
  const current =
    release === null
      ? last
      : manifestRelease(
          release,
          manifests.map((manifest) => manifest.release),
        );
  if (current !== undefined) await looked(() => ensurePhasesFollow(manifests, current));
  findings.push(
    ...checkBreaksItself(manifests.map((manifest) => ({ file: manifestPath(manifest.release), manifest }))),
  );
  const unfit = await unfitFiles(history);
  const unlisted = unlistedFiles(history).map(({ path }) => path);
  findings.push(...checkUnlisted(unlisted.filter((path) => !unfit.includes(path))), ...checkUnfit(unfit));
  findings.push(...checkNewForKnex(await newForKnex(history)));
  const open = manifests.filter(({ state }) => state === 'open').map((manifest) => manifest.release);
  findings.push(...checkUneditedCopies(await uneditedCopies(history, open)));
  if (current !== undefined) findings.push(...(await oldNames(history, current)));
  return findings;
}

/** Scripts of open manifests: those that are no migrations are named all at once. */
function openScripts({ manifests, files }: History): string[] {
  const open = manifests.filter(({ state }) => state === 'open').flatMap(({ migrations }) => migrations);
  return open.flatMap((entry) => {
    const path = fileOf(files, entry)?.path;
    return path?.endsWith('.sql') ? [path] : [];
  });
}

async function oldNames(history: History, release: Release): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const rename of switchedRenames(history.manifests, changesOf(history), release)) {
    findings.push(...checkOldNames(rename, await findUsages(history, rename)));
  }
  return findings;
}
