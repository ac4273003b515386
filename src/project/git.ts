import { spawnSync } from 'node:child_process';

/** What git answers in a folder; null where there is no git, or no repository. */
function git(folder: string, ...args: string[]): string | null {
  // Who owns the folder does not matter: nothing of it is run.
  const { status, stdout } = spawnSync('git', ['-c', 'safe.directory=*', ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 256 * 1_024 * 1_024,
  });
  return status === 0 ? stdout : null;
}

/** The files below a folder that git knows or would add, relative to it; null without a repository. */
export function filesInGit(folder: string): string[] | null {
  const listed = git(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  // A file with conflicts is listed several times.
  return listed === null ? null : [...new Set(listed.split('\0').filter((file) => file !== ''))];
}

/** Where a folder lies in its repository, such as `apps/shop/`; empty at its top, and without one. */
export function placeInGit(folder: string): string {
  return git(folder, 'rev-parse', '--show-prefix')?.trim() ?? '';
}

/** A file below a folder as it was at a commit; null where it was not there, or the commit is not known. */
export function fileInGit(folder: string, ref: string, file: string): string | null {
  // A name that begins like an option is none of git's.
  return ref.startsWith('-') ? null : git(folder, 'show', `${ref}:./${file}`);
}

/** The files below a folder, relative to it, at a commit; null where the commit is not known. */
export function filesInCommit(folder: string, ref: string, below: string): string[] | null {
  if (ref.startsWith('-')) return null;
  const listed = git(folder, 'ls-tree', '-r', '-z', '--name-only', ref, '--', below);
  if (listed === null || git(folder, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`) === null) return null;
  return listed.split('\0').filter((file) => file !== '');
}

/** Sets something in the configuration of the clone that a folder is in. @returns false where there is none. */
export function setGitConfig(folder: string, key: string, value: string): boolean {
  return git(folder, 'config', '--local', key, value) !== null;
}

/** The addresses of all who have committed a change to a file, also those that a commit names beside its author; null without a repository. */
export function authorsInGit(folder: string, file: string): string[] | null {
  const log = git(folder, 'log', '--follow', '--format=%ae%n%(trailers:key=Co-authored-by,valueonly)', '--', file);
  if (log === null) return null;
  const lines = log.split('\n').map((line) => /<([^>]+)>/.exec(line)?.[1] ?? line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}

/** The address that git knows of whoever works here; null where it knows none. */
export function userInGit(folder: string): string | null {
  return git(folder, 'config', 'user.email')?.trim() || null;
}
