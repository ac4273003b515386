import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FormerLedger } from '../domain/former-ledger.ts';
import { servedBefore } from '../ledger/format.ts';
import { formerState } from '../ledger/former-ledger.ts';
import { withConnection } from '../postgres/connection.ts';
import type { CommandContext } from './context.ts';

/**
 * How many of the migrations that are taken over their tool has run in the database at hand, and what does not fit; null where there is none, or it cannot be
 * asked.
 */
export async function lookAtFormer(
  context: CommandContext,
  former: FormerLedger,
  ids: readonly string[],
): Promise<number | null> {
  const project = await context.openProject();
  const say = (message: string): void => context.output.notice(message);
  try {
    const database = await context.database(project);
    if (database.connection === undefined && !namesDatabase(context)) {
      say(
        `What ${former.tool} has run was not looked at: no database is named (--database-url, DATABASE_URL${former.tool === 'knex' ? ', the knexfile' : ''}).`,
      );
      return null;
    }
    const { ids: ran, isServed } = await withConnection({ ...database, applicationName: 'phase init' }, async (db) => ({
      ...(await formerState(db, former)),
      isServed: await servedBefore(db),
    }));
    const listed = new Set(ids);
    const missing = (ran ?? []).filter((id) => !listed.has(id));
    if (missing.length > 0) {
      const { message, remedy } = new PhaseError('PH3026', { ids: missing, ...former });
      say(`${message} ${remedy}`);
    }
    if ((ran ?? []).length === 0 && isServed) {
      const { message, remedy } = new PhaseError('PH2023', { ...former, exists: ran !== null });
      say(`${message} Nothing of what was taken over counts as applied there. ${remedy}`);
    }
    return (ran ?? []).filter((id) => listed.has(id)).length;
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    say(`What ${former.tool} has run was not looked at: ${error.message} ${error.why}`);
    return null;
  }
}

const namesDatabase = ({ surroundings: { env } }: CommandContext): boolean =>
  [env.PGHOST, env.PGDATABASE, env.PGSERVICE].some(Boolean);
