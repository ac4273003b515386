import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest } from '../domain/manifest.ts';
import { orderMigrations } from '../planner/order.ts';
import { changeManifest } from '../project/change-manifest.ts';
import type { Project } from '../project/config.ts';
import { writeFiles } from '../project/files.ts';
import { ensureFilesIntact, type History, readHistory } from '../project/history.ts';
import { withShadowServer } from './server.ts';
import { type ObservedTouches, observeTouches } from './touches.ts';

export interface EnteredTouches {
  /** Manifests that were written. */
  readonly files: readonly string[];
  /** Ids that are observed now. */
  readonly observed: readonly string[];
  /** Ids of which it is still not known what they touch, and why. */
  readonly unknown: readonly string[];
  readonly reason: PhaseError | null;
}

/** Observes the migrations of open manifests of which nobody knows yet what they touch, and enters it. */
export async function enterTouches(project: Project, shadowUrl: string | undefined): Promise<EnteredTouches> {
  const history = await readHistory(project.root);
  const open = history.manifests.filter(({ state }) => state === 'open');
  const wanted = new Set(open.flatMap(unobserved));
  if (wanted.size === 0) return { files: [], observed: [], unknown: [], reason: null };
  const result = await observeWhatCan(project, history, shadowUrl, wanted);
  const touches = result instanceof PhaseError ? new Map() : result.touches;
  const changed = open.filter(({ migrations }) => migrations.some(({ id }) => touches.has(id)));
  const changes = await Promise.all(changed.map(({ release }) => changeManifest(project.root, { release, touches })));
  await writeFiles(project.root, changes);
  return {
    files: changes.map(({ path }) => path),
    observed: [...touches.keys()],
    unknown: [...wanted].filter((id) => !touches.has(id)),
    reason: result instanceof PhaseError ? result : (result.failed?.error ?? null),
  };
}

function unobserved({ migrations }: Manifest): string[] {
  return migrations.filter(({ touches }) => touches === undefined).map(({ id }) => id);
}

/** What cannot be replayed is not known; that is no reason to give up the rest. */
export async function observeWhatCan(
  project: Project,
  history: History,
  url: string | undefined,
  wanted: ReadonlySet<string>,
): Promise<ObservedTouches | PhaseError> {
  try {
    await ensureFilesIntact(history, history.manifests);
    const steps = orderMigrations(history.manifests);
    return await withShadowServer({ project, url }, (server) =>
      observeTouches(server, { project, history }, steps, wanted),
    );
  } catch (error) {
    if (error instanceof PhaseError) return error;
    throw error;
  }
}
