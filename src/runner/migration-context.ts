import type { Knex } from 'knex';
import { Work, type WorkContext } from '../data/work.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { syncTriggers } from '../domain/rename.ts';
import { DEFAULT_SETTINGS, withSettings } from '../domain/run-settings.ts';
import { recordMismatches } from '../ledger/mismatches.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import type { Session } from './session.ts';

/** The second argument of a migration's `up` and `down`. */
export type MigrationContext = WorkContext;

/**
 * The work on data of one try of a migration.
 * @param knex a transaction, or not; @param ticket of the migration's config.
 */
export function workFor(
  session: Session,
  entry: OrderedMigration,
  direction: 'up' | 'down',
  { knex, ticket }: { readonly knex: Knex; readonly ticket: string | null },
): Work {
  const { reporter, project, observer } = session.options;
  const { config } = project;
  return new Work({
    kind: 'migration',
    name: entry.id,
    owner: entry.id,
    run: session.lock.run,
    ticket,
    direction,
    toolVersion: toolVersion(),
    root: project.root,
    settings: { store: config.auditStore, ...config.audit },
    runSettings: withSettings(DEFAULT_SETTINGS, config.backfill),
    patience: { lockTimeoutMs: config.lockTimeout, attempts: config.lockAttempts },
    knex,
    db: session.worker,
    connect: session.connect,
    ask: session.ask,
    ownTriggers: [...session.history.renames.values()].flatMap(({ sync }) => [
      ...syncTriggers(sync, 1),
      ...syncTriggers(sync, 2),
    ]),
    onProgress: (progress) => reporter.backfill(entry.id, progress),
    onNotice: (message) => reporter.notice(message),
    onTable: (table) => observer?.table(table),
    onLog: (message) => reporter.log(entry.id, message),
    async onFilled({ remaining }) {
      if (entry.step !== 'backfill' || entry.rename === undefined) return;
      await recordMismatches(session.lock.client, entry.rename, remaining);
    },
  });
}
