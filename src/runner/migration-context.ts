import type { Knex } from 'knex';
import { Work, type WorkContext } from '../data/work.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { recordMismatches } from '../ledger/mismatches.ts';
import { projectWork } from './project-work.ts';
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
  const { observer } = session.options;
  return new Work({
    ...projectWork(session.options, session.history, entry.id),
    kind: 'migration',
    ownRename: entry.rename,
    name: entry.id,
    owner: entry.id,
    run: session.lock.run,
    ticket,
    direction,
    knex,
    db: session.worker,
    connect: session.connect,
    ask: session.ask,
    onTable: (table) => observer?.table(table),
    async onFilled({ remaining }) {
      if (entry.step !== 'backfill' || entry.rename === undefined) return;
      await recordMismatches(session.lock.client, entry.rename, remaining);
    },
  });
}
