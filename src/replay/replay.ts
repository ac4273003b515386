import { createHash } from 'node:crypto';
import type { OrderedMigration } from '../domain/plan.ts';
import { untraced } from '../domain/trace.ts';
import type { Project } from '../project/config.ts';
import { shadowDatabaseOf } from '../project/database.ts';
import type { History } from '../project/history.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { applyMigration } from '../runner/apply.ts';
import { openLedger, type RunObserver, type Session, withSession } from '../runner/session.ts';
import { passKnownRoles } from './known-roles.ts';
import type { Base } from './shadow.ts';

export interface ReplayOptions {
  readonly project: Project;
  readonly history: History;
  /** Of a database of a shadow server. */
  readonly url: string;
  readonly observer?: RunObserver;
}

/** Runs migrations outside a deployment, with gates and ledger as they are there. */
export async function withReplay<T>(options: ReplayOptions, body: (replay: Replay) => Promise<T>): Promise<T> {
  const { history, url, observer } = options;
  const session = {
    // Audits stay in the database, which goes.
    project: { ...options.project, config: { ...options.project.config, auditStore: 'database' as const } },
    database: await shadowDatabaseOf(options.project, url),
    onEvent: () => undefined,
    trace: untraced,
    stragglerWindowMs: 0,
    observer: watching(observer),
  };
  return withSession(
    session,
    async () => history,
    async (opened) => {
      await openLedger(opened);
      return body(new Replay(opened));
    },
  );
}

/** Roles outlive the database that a replay makes them in. */
function watching(observer: RunObserver | undefined): RunObserver {
  return {
    connection: (client) => {
      passKnownRoles(client);
      observer?.connection(client);
    },
    table: (name) => observer?.table(name),
    followed: (migration, change) => observer?.followed?.(migration, change),
  };
}

export class Replay {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** @throws what the migration throws, as in a deployment. */
  async run(entry: OrderedMigration): Promise<void> {
    const { history, options } = this.session;
    const file = fileOf(history.files, entry);
    if (!file) return;
    await applyMigration(this.session, { entry, loaded: await loadMigration(options.project, file) });
  }
}

/** A database in which some migrations have run. */
export function baseOf(
  { project, history }: Pick<ReplayOptions, 'project' | 'history'>,
  steps: readonly OrderedMigration[],
): Base {
  const fill = (url: string): Promise<void> =>
    withReplay({ project, history, url }, async (replay) => {
      for (const step of steps) await replay.run(step);
    });
  return { key: keyOf(history, steps), fill };
}

/** What ran, in which order, and with which text, also of the versioned files that migrations read. */
export function keyOf(history: History, steps: readonly OrderedMigration[]): string {
  return prefixKeys(history, steps).at(-1) ?? '';
}

/** The same of the first so many of them, from none to all. */
export function prefixKeys({ manifests }: History, steps: readonly OrderedMigration[]): string[] {
  const sources = new Map(manifests.map((manifest) => [manifest.release, manifest.sources]));
  const hash = createHash('sha256');
  const keyNow = (): string => hash.copy().digest('hex').slice(0, 24);
  const keys = [keyNow()];
  for (const [at, { id, sha256, release }] of steps.entries()) {
    if (release !== steps[at - 1]?.release) {
      for (const source of sources.get(release) ?? []) hash.update(`${source.file} ${source.sha256}\n`);
    }
    hash.update(`${id} ${sha256}\n`);
    keys.push(keyNow());
  }
  return keys;
}
