import { createHash } from 'node:crypto';
import type { OrderedMigration } from '../domain/plan.ts';
import { untraced } from '../domain/trace.ts';
import type { Project } from '../project/config.ts';
import { ownSessionOf, shadowDatabaseOf } from '../project/database.ts';
import type { History } from '../project/history.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { applyMigration } from '../runner/apply.ts';
import { openLedger, type RunObserver, type Session, withSession } from '../runner/session.ts';
import { passKnownRoles } from './known-roles.ts';
import { Reads, type Sum } from './reads.ts';
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
export async function baseOf(
  { project, history }: Pick<ReplayOptions, 'project' | 'history'>,
  steps: readonly OrderedMigration[],
): Promise<Base> {
  const fill = (url: string): Promise<void> =>
    withReplay({ project, history, url }, async (replay) => {
      for (const step of steps) await replay.run(step);
    });
  return { key: (await replayKeys(project, history, steps)).keys.at(-1) ?? '', fill };
}

export interface ReplayKeys {
  /** Of none of the steps, of the first, of the first two and so on: what ran in a database, in which order, and what that read. */
  readonly keys: readonly string[];
  /** How many there are before the first that may do something else the next time, with the same key. */
  readonly keepable: number;
}

/** What names a state: the migrations with their texts, the versioned files and whatever else they read, and how their sessions are. */
export async function replayKeys(
  project: Project,
  history: History,
  steps: readonly OrderedMigration[],
): Promise<ReplayKeys> {
  const reads = new Reads(project.root);
  const sources = new Map(history.manifests.map((manifest) => [manifest.release, manifest.sources]));
  const hash = createHash('sha256').update(await sessionsKey(project));
  const keyNow = (): string => hash.copy().digest('hex').slice(0, 24);
  const keys = [keyNow()];
  let keepable = steps.length;
  for (const [at, step] of steps.entries()) {
    const { id, sha256, release } = step;
    if (release !== steps[at - 1]?.release) {
      for (const source of sources.get(release) ?? []) hash.update(`${source.file} ${source.sha256}\n`);
    }
    const file = fileOf(history.files, step);
    const read = file === undefined ? NOTHING_READ : await reads.of(file.path);
    if (!read.isWhole) keepable = Math.min(keepable, at);
    hash.update(`${id} ${sha256} ${read.sum}\n`);
    keys.push(keyNow());
  }
  return { keys, keepable };
}

const NOTHING_READ: Sum = { sum: '', isWhole: false };

/** How sessions are, as the configuration and the knexfile have come to it in this environment. */
async function sessionsKey(project: Project): Promise<string> {
  const { searchPath, role, afterCreate, builder } = await ownSessionOf(project);
  const code = [afterCreate, builder.wrapIdentifier, builder.postProcessResponse].map(String);
  return JSON.stringify([project.config.ledgerSchema, searchPath, role, code, builder.userParams ?? null]);
}
