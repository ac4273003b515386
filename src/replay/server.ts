import { NEWEST_EMBEDDED } from '../postgres/embedded/binaries.ts';
import { leaseEmbedded } from '../postgres/embedded/lease.ts';
import type { Project } from '../project/config.ts';
import { ShadowServer } from './shadow.ts';
import { startingState } from './starting-state.ts';

export interface ShadowOptions {
  readonly project: Project;
  /** Databases begin with nothing of db/shadow. */
  readonly isBare?: boolean;
  /** A server on which databases may be created and dropped; without one an embedded server is used. */
  readonly url: string | undefined;
}

/** What is in it can be made again at any time. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };

/**
 * Gives a server for databases that nobody keeps. The embedded one runs for as long as it is used, and keeps its data
 * for the next time.
 * @throws PH1018 when its binaries are not installed, PH5007 when it cannot be started.
 */
export async function withShadowServer<T>(
  { project, isBare = false, url }: ShadowOptions,
  body: (server: ShadowServer) => Promise<T>,
): Promise<T> {
  const start = await startingState(project, isBare);
  if (url !== undefined) return body(new ShadowServer(url, start));
  const options = { version: NEWEST_EMBEDDED, project: project.root, name: 'shadow', settings: SETTINGS } as const;
  const lease = await leaseEmbedded(options);
  try {
    return await body(new ShadowServer(lease.url, start));
  } finally {
    await lease.release();
  }
}
