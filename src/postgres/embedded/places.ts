import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { type Account, reachable, serverAccount } from './account.ts';
import type { EmbeddedVersion } from './binaries.ts';

export interface EmbeddedOptions {
  readonly version: EmbeddedVersion;
  /** The project's folder; the server lives under its `.phase/`. */
  readonly project: string;
  /** Several servers of one version in one project need different names. */
  readonly name?: string;
  /** Settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Where one server lives on disk. */
export interface Places {
  /** Where the state file and the lock of starting are; in the project. */
  readonly home: string;
  /** Where data and log are: in `home`, or where the server's account can reach it. */
  readonly base: string;
  /** Held by whoever starts or stops it. */
  readonly lock: string;
  readonly data: string;
  readonly log: string;
  readonly account: Account | null;
}

export function placesOf({ version, project, name }: EmbeddedOptions): Places {
  const folder = name ?? String(version);
  const home = join(resolve(project), '.phase', 'postgres', folder);
  const account = serverAccount();
  const base = account !== null && !reachable(resolve(project), account) ? join(elsewhere(project), folder) : home;
  return {
    home,
    base,
    lock: join(home, 'starting.lock'),
    data: join(base, 'data'),
    log: join(base, 'server.log'),
    account,
  };
}

/** A folder that the server's account can reach, for projects in a private folder of root's. */
function elsewhere(project: string): string {
  const hash = createHash('sha256').update(resolve(project)).digest('hex').slice(0, 12);
  return join('/var/tmp', `triphase-${hash}`);
}
