import { type MigrationRef, migrationRef } from '../domain/events.ts';
import type { TracedWork } from '../domain/trace.ts';
import { asPhaseError } from '../postgres/known-error.ts';
import { applyMigration, type RunnableMigration, revertMigration } from './apply.ts';
import type { Session } from './session.ts';

/**
 * Applies or undoes one migration, and tells whoever listens.
 * @throws PhaseError whatever it was that failed.
 */
export async function runStep(session: Session, migration: RunnableMigration, direction: 'up' | 'down'): Promise<void> {
  const { onEvent, trace } = session.options;
  const step = { ...migrationRef(migration.entry), direction };
  const began = performance.now();
  onEvent({ type: 'stepStarted', ...step });
  try {
    const run = direction === 'up' ? applyMigration : revertMigration;
    await trace({ name: `migration ${step.id}`, attributes: attributesOf(step) }, () => run(session, migration));
  } catch (error) {
    const known = asPhaseError(error, step.id);
    onEvent({ type: 'stepFailed', ...step, durationMs: Math.round(performance.now() - began), error: known });
    throw known;
  }
  onEvent({ type: 'stepDone', ...step, durationMs: Math.round(performance.now() - began) });
}

function attributesOf({
  id,
  kind,
  release,
  rename,
  phase,
  direction,
}: MigrationRef & { direction: string }): TracedWork['attributes'] {
  return {
    'triphase.migration.id': id,
    'triphase.migration.kind': kind,
    'triphase.migration.direction': direction,
    'triphase.release': release,
    ...(rename === null ? {} : { 'triphase.rename': rename }),
    ...(phase === null ? {} : { 'triphase.phase': phase }),
  };
}
