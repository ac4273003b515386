import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { groupBy } from '../domain/group.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { loadModule as load } from '../load.ts';
import { orderMigrations } from '../planner/order.ts';
import { plainDatabase } from '../postgres/connection.ts';
import { openProject, type Project } from '../project/config.ts';
import { ensureFilesIntact, type History, readHistory } from '../project/history.ts';
import { modulesKey } from '../replay/modules-key.ts';
import { replayKeys, withReplay } from '../replay/replay.ts';
import { withShadowServer } from '../replay/server.ts';
import type { Base } from '../replay/shadow.ts';
import { loadForTests } from './load.ts';
import type { SchemaState } from './states.ts';

export interface TestDatabaseOptions {
  readonly root: string;
  readonly state: SchemaState;
  /** A SQL file with the schema before the release, relative to the root; else the manifests are run. */
  readonly dump: string | undefined;
}

/** A database of a suite's own, for as long as it is open. */
export interface OpenDatabase {
  readonly url: Promise<string>;
  close(): Promise<void>;
}

/** Clones the state, which is made once and kept for the next time. */
export function openDatabase(options: TestDatabaseOptions): OpenDatabase {
  let opened: (url: string) => void = () => undefined;
  let failed: (error: unknown) => void = () => undefined;
  let close: () => void = () => undefined;
  const url = new Promise<string>((resolved, rejected) => {
    opened = resolved;
    failed = rejected;
  });
  const closing = new Promise<void>((resolved) => {
    close = resolved;
  });
  const ended = hold(options, (held) => {
    opened(held);
    return closing;
  });
  ended.catch(failed);
  // Who waits for the URL sees the error.
  url.catch(() => undefined);
  return {
    url,
    close: async () => {
      close();
      await ended.catch(() => undefined);
    },
  };
}

async function hold({ root, state, dump }: TestDatabaseOptions, body: (url: string) => Promise<void>): Promise<void> {
  const project = await openProject(root, { load });
  const history = await readHistory(root);
  const listed = history.manifests.filter(({ release }) => state.releases.includes(release));
  await ensureFilesIntact(history, listed);
  const byRelease = groupBy(orderMigrations(listed), ({ release }) => release);
  const sql = dump === undefined ? null : await readDump(root, dump);
  // A dump is the state before the last release.
  const own = sql === null ? state.releases : state.name === 'after' ? state.releases.slice(-1) : [];
  const steps = own.flatMap((release) => byRelease.get(release) ?? []);
  const base: Base = {
    key: `test_${await contentsOf(project, history, steps, sql)}`,
    fill: async (url) => {
      const ran =
        dump === undefined || sql === null
          ? []
          : await loadForTests(plainDatabase(url), { file: dump, sql }, changesOf(history));
      await withReplay({ project, history, url }, async (replay) => {
        for (const step of steps) if (!ran.includes(step.id)) await replay.run(step);
      });
    },
  };
  const url = project.config.shadowDatabaseUrl ?? process.env.PHASE_SHADOW_DATABASE_URL;
  await withShadowServer({ project, url, isBare: dump !== undefined }, (server) => server.withClone(base, body));
}

/** @throws PH1030 */
async function readDump(root: string, dump: string): Promise<string> {
  try {
    return await readFile(resolve(root, dump), 'utf8');
  } catch (error) {
    throw new PhaseError('PH1030', { file: dump, reason: (error as Error).message }, { cause: error });
  }
}

/** What the state is made of: the migrations and what they read, modules in lib/ that they may import, and the dump. */
async function contentsOf(
  project: Project,
  history: History,
  steps: readonly OrderedMigration[],
  dump: string | null,
): Promise<string> {
  const { keys } = await replayKeys(project, history, steps);
  return createHash('sha256')
    .update(keys.at(-1) ?? '')
    .update(dump ?? '')
    .update(await modulesKey(history.root))
    .digest('hex')
    .slice(0, 24);
}
