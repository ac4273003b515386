import { changesOf, columnsOf, isRename } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { syncTriggers } from '../../domain/rename.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import type { ProjectChanges } from '../../project/renames.ts';

/**
 * Where PostgreSQL has refused a statement of a migration because the triggers of a sync name the column, that is said, with the way that there is.
 * @returns null for other errors.
 */
export function heldBySync(error: unknown, changes: ProjectChanges, migration: string): PhaseError | null {
  const detail = detailOf(error);
  for (const change of changesOf(changes).values()) {
    const { name, table, sync } = change;
    const names = columnsOf(change);
    const [from, to] = [names.old.join(', '), names.fresh.join(', ')];
    const triggers = [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)];
    if (!triggers.some((trigger) => detail.includes(trigger))) continue;
    const on = quoteQualified(table);
    const refused = {
      [sqlState.featureNotSupported]: {
        what: `the type of ${from} and ${to} is altered by ALTER TYPE, which PostgreSQL refuses while the triggers of the sync name the column`,
        instead: !isRename(change)
          ? 'Alter the type after phase 3.'
          : `Use alterType(knex, { on: '${on}', column: '${from}', type: '...' }) of triphase, which alters both columns at once, or alter the type after phase 3.`,
      },
      [sqlState.dependentObjectsStillExist]: {
        what: `something is dropped that the sync of ${from} and ${to} needs (${detail.replaceAll('\n', '; ')})`,
        instead: 'Leave that out: phase 3 drops the old column and the sync; phase rollback undoes the rename.',
      },
    }[codeOf(error) ?? ''];
    if (refused !== undefined) {
      return new PhaseError('PH2018', { rename: name, changes: [refused], migration }, { cause: error });
    }
  }
  return null;
}

/** Which objects depend on something, as PostgreSQL says it in DETAIL; empty where it says nothing. */
function detailOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('detail' in error && typeof error.detail === 'string') return error.detail;
  return 'cause' in error ? detailOf(error.cause) : '';
}
