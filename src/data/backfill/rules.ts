import { TREE } from '../../catalog/tree.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';

/** Rules that rewrite every UPDATE of a table, of its partitions and of its children: name and table, as SQL. `table` is its oid. */
function updateRules(db: Queryable, table: number): Promise<{ name: string; on: string; enabled: string }[]> {
  return all(
    db,
    `${TREE} SELECT r.rulename AS name, r.ev_class::regclass::text AS on, r.ev_enabled AS enabled FROM tree
     JOIN pg_catalog.pg_rewrite r ON r.ev_class = tree.oid AND r.ev_type = '2' ORDER BY 2, 1`,
    [table],
  );
}

/**
 * PostgreSQL makes no UPDATE that returns its rows where a rule rewrites it, so no batch of a backfill either.
 * @param table quoted SQL. @param isQuiet whether the backfill runs as a replica, where only some rules are applied.
 * @throws PH2017
 */
export async function ensureNoUpdateRules(db: Queryable, table: string, isQuiet: boolean): Promise<void> {
  const { oid } = await one<{ oid: string | null }>(db, 'SELECT pg_catalog.to_regclass($1)::oid::int8::text AS oid', [
    table,
  ]);
  const firing = isQuiet ? ['R', 'A'] : ['O', 'A'];
  const rules = oid === null ? [] : await updateRules(db, Number(oid));
  const [rule] = rules.filter(({ enabled }) => firing.includes(enabled));
  if (rule === undefined) return;
  throw new PhaseError('PH2017', {
    table: rule.on,
    reason: `Its rule ${quoteIdent(rule.name)} rewrites every UPDATE of it.`,
    instead: isQuiet
      ? 'Drop the rule until the backfill is through, or make it a trigger.'
      : 'Migrate as a role that may set session_replication_role, for which the rule keeps quiet (a superuser, or from PostgreSQL 15 one with GRANT SET ON PARAMETER session_replication_role). Or drop the rule until the backfill is through, or make it a trigger.',
  });
}
