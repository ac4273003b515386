import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { withoutBom } from '../project/checksum.ts';
import type { Project } from '../project/config.ts';
import { folders } from '../project/folders.ts';
import { withoutKnownRoles } from './known-roles.ts';

/** What migrations expect to find in a database that is called empty: schemas, extensions, roles. */
export interface StartingState {
  /** Names what is in it, in 8 characters; empty where nothing is. */
  readonly key: string;
  /** Whose the databases are: what is the database's own does not come with a clone. Null for whoever makes them. */
  readonly owner: string | null;
  /** Fills a database that was just created. @throws PH1034 */
  fill(url: string): Promise<void>;
}

const EMPTY_STATE: StartingState = { key: '', owner: null, fill: async () => undefined };

/**
 * The scripts in db/shadow, in the order of their names, and the role that the configuration names.
 * @param isBare without the scripts: a dump is loaded that has all of that.
 */
export async function startingState(
  { root, config }: Pick<Project, 'root' | 'config'>,
  isBare: boolean,
): Promise<StartingState> {
  const found = isBare ? [] : await readdir(join(root, folders.shadow)).catch(() => []);
  const names = found.filter((name) => name.endsWith('.sql'));
  const scripts = await Promise.all(
    names.sort().map(async (name) => {
      const file = join(folders.shadow, name);
      return { file, sql: withoutBom(await readFile(join(root, file), 'utf8')) };
    }),
  );
  const role = config.role ?? null;
  if (scripts.length === 0 && role === null) return EMPTY_STATE;
  const hash = createHash('sha256').update(JSON.stringify([role, ...scripts.map(({ sql }) => sql)]));
  return {
    key: hash.digest('hex').slice(0, 8),
    owner: role,
    fill: (url) =>
      withConnection({ ...plainDatabase(url), applicationName: 'phase shadow' }, async (db) => {
        await db.query('RESET search_path');
        for (const { file, sql } of scripts) await run(db, file, sql);
        if (role !== null) await ensureRole(db, role);
      }),
  };
}

/** Each script is one message, and so one transaction. */
async function run(db: Queryable, file: string, sql: string): Promise<void> {
  try {
    await db.query(await withoutKnownRoles(db, sql, false));
  } catch (error) {
    throw new PhaseError('PH1034', { file, reason: reasonOf(error) }, { cause: error });
  }
}

/** The role that makes everything may make it there, too. From PostgreSQL 16 on whoever makes a role is no member of it by itself. */
async function ensureRole(db: Queryable, role: string): Promise<void> {
  const name = quoteIdent(role);
  await run(
    db,
    'phase.config.ts (role)',
    `DO $role$ BEGIN
       IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(role)}) THEN
         CREATE ROLE ${name};
         GRANT ${name} TO CURRENT_USER;
       END IF;
     END $role$; ALTER SCHEMA public OWNER TO ${name}`,
  );
}
