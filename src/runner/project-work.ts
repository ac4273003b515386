import type { WorkOptions } from '../data/work.ts';
import { DEFAULT_SETTINGS, withSettings } from '../domain/run-settings.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import type { ProjectChanges } from '../project/renames.ts';
import type { RunnerOptions } from './session.ts';

type OfProject =
  | 'toolVersion'
  | 'root'
  | 'settings'
  | 'runSettings'
  | 'patience'
  | 'renames'
  | 'mappings'
  | 'moves'
  | 'onProgress'
  | 'onNotice'
  | 'onLog';

/** What all work on data of a project has in common. @param name of the migration or task, by which its progress is told. */
export function projectWork(
  { project, onEvent }: Pick<RunnerOptions, 'project' | 'onEvent'>,
  { renames, mappings, moves }: ProjectChanges,
  name: string,
): Pick<WorkOptions, OfProject> {
  const { root, config } = project;
  return {
    toolVersion: toolVersion(),
    root,
    settings: { store: config.auditStore, ...config.audit },
    runSettings: withSettings(DEFAULT_SETTINGS, config.backfill),
    patience: { lockTimeoutMs: config.lockTimeout, attempts: config.lockAttempts },
    renames: [...renames.values()],
    mappings: [...mappings.values()],
    moves: [...moves.values()],
    onProgress: (progress) => onEvent({ type: 'progress', id: name, ...progress }),
    onNotice: (message) => onEvent({ type: 'notice', message: message }),
    onLog: (message) => onEvent({ type: 'log', id: name, message: message }),
  };
}
