import type { Knex } from 'knex';
import { columnsOfTable } from '../catalog/columns-of.ts';
import type { QualifiedName } from '../domain/identifier.ts';
import type { DroppedObject } from '../domain/mapping.ts';
import type { StragglerSequences } from '../domain/rename.ts';
import { ensureNoStragglers } from '../gates/gate.ts';
import { ensureNothingHangs } from '../gates/hanging.ts';
import { connectionOf } from '../postgres/knex.ts';
import { one } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { contextOf } from './context.ts';
import { execute, isTransaction } from './execute.ts';

interface UnwrittenColumn {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly column: string;
  /** What writes of it are counted with. */
  readonly writes: StragglerSequences;
  /** The function, and the trigger, that count them. */
  readonly functionName: string;
  /** What hangs on it, and goes with it. */
  readonly dropped: readonly DroppedObject[];
}

/**
 * Takes the lock of a table whose column goes, and looks whether somebody still writes it, or something hangs on it that nobody has answered for.
 * @throws PH2006, PH2008
 */
export async function ensureUnwritten(knex: Knex, options: UnwrittenColumn): Promise<void> {
  const { on, column, writes, functionName, dropped } = options;
  const { stragglerWindowMs, dryRun } = contextOf(knex);
  await execute(knex, `LOCK TABLE ${on} IN ACCESS EXCLUSIVE MODE`);
  if (dryRun || !isTransaction(knex)) return;
  const db = await connectionOf(knex);
  const names = [functionName, ''] as const;
  const sync = { functions: names, triggers: names, moved: null, last: null, stragglers: writes };
  await underQualifiedNames(db, async () => {
    const table = await one<QualifiedName>(
      db,
      'SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)',
      [on],
    );
    const found = await columnsOfTable(db, table);
    if (found === null) return;
    await ensureNoStragglers(db, { name: `${table.name}.${column}`, sync }, stragglerWindowMs);
    const going = {
      name: `${table.name}.${column}`,
      kind: 'drop',
      table,
      columns: [column],
      dropped,
      syncs: [sync],
    } as const;
    await ensureNothingHangs(db, going, found.oid);
  });
}
