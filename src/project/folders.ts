import { join } from 'node:path';
import type { MigrationKind } from '../domain/manifest.ts';

/** Where an application keeps what phase reads and writes, relative to the configuration's folder. */
export const folders = {
  migrate: 'db/migrate',
  data: 'db/data',
  functions: 'db/functions',
  triggers: 'db/triggers',
  releases: 'db/releases',
  renames: 'db/renames',
  changes: 'db/changes',
  tasks: 'lib/tasks/tmp',
  audits: 'db/audits',
  shadow: 'db/shadow',
  seeds: 'db/seeds',
  structure: 'db/structure.sql',
} as const;

/** The folder of a kind of migration. */
export function migrationFolder(kind: MigrationKind): string {
  return kind === 'schema' ? folders.migrate : folders.data;
}

/** `db/functions/name_v01.sql`. */
export function versionFile(kind: 'function' | 'trigger', name: string, version: number): string {
  return join(folders[`${kind}s`], `${name}_v${String(version).padStart(2, '0')}.sql`);
}
