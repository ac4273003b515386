import type { Knex } from 'knex';
import { readColumn } from '../catalog/column.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { ASIDE } from '../domain/pair.ts';
import { differs } from '../domain/rename.ts';
import { withChoice, withoutChoice } from '../objects/dependents/choice.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { atomically, execute, onConnection, runSql } from './execute.ts';
import { withNamesSwapped, withQualifiedNames } from './rebind.ts';

/**
 * `old`: the rule is bound to the old column. `both`: to the new one, and what it takes of a new row is the value of the side that a statement gives.
 * `new`: to the new column alone.
 */
type RuleForm = 'old' | 'both' | 'new';

export interface ReboundRule {
  /** The table whose column is renamed, schema and name quoted. */
  readonly table: string;
  /** The table of the rule, where that is a partition or a child. */
  readonly on?: string;
  readonly from: string;
  readonly to: string;
  readonly form: RuleForm;
}

interface RuleRow {
  definition: string;
  event: 'INSERT' | 'UPDATE' | 'DELETE';
  /** Whether it is bound to the new column. */
  new: boolean;
}

/**
 * Brings a rule on the table itself to another form, from its own text; nothing where somebody has dropped it. Its comment stays, and whether it is
 * enabled.
 */
export async function rebindRule(knex: Knex, name: string, rule: ReboundRule): Promise<void> {
  await atomically(knex, async (trx) => {
    const { table, on = table, from, to, form } = rule;
    const column = await columnOf(trx, table, to);
    await withQualifiedNames(trx, async () => {
      const [found] = await readRule(trx, on, name, to);
      if (found === undefined) return;
      const { event } = found;
      const plain = await withoutChoice(found.definition, { from, to });
      const make = (text: string): Promise<void> =>
        execute(trx, text.replace(/^CREATE RULE/, 'CREATE OR REPLACE RULE').replace(/;\s*$/, ''));
      if (form === 'old') {
        return found.new
          ? withNamesSwapped(trx, { on: table, columns: [{ from: to, to: from }] }, () => make(plain))
          : undefined;
      }
      if (form === 'new') {
        // Somebody may have made it anew on the old column since phase 2 has bound it.
        return found.new
          ? make(plain)
          : withNamesSwapped(trx, { on: table, columns: [{ from, to }] }, () => make(plain));
      }
      if (found.new) return make(await withChoice(plain, to, choice(event, column, { old: from, new: to })));
      // While the names are changed the new column goes by the name of the old one.
      const chosen = await withChoice(plain, from, choice(event, column, { old: ASIDE, new: from }));
      return withNamesSwapped(trx, { on: table, columns: [{ from, to }] }, () => make(chosen));
    });
  });
}

/** By the rules of the sync in phase 2: docs/three-phases.md. */
function choice(event: RuleRow['event'], column: ColumnFacts, names: ColumnNames): string {
  const [old, fresh] = [`new.${quoteIdent(names.old)}`, `new.${quoteIdent(names.new)}`];
  const isNewGiven =
    event === 'UPDATE'
      ? differs(fresh, `old.${quoteIdent(names.new)}`, column.byteEqual)
      : givenOnInsert(column, { old, fresh });
  return `CASE WHEN ${isNewGiven} THEN ${fresh} ELSE ${old} END`;
}

/** What the two columns go by in the text of a rule. */
interface ColumnNames {
  readonly old: string;
  readonly new: string;
}

function givenOnInsert(
  { default: own, domainDefault, identity, type, byteEqual }: ColumnFacts,
  { old, fresh }: { readonly old: string; readonly fresh: string },
): string {
  const standing = own ?? domainDefault;
  if (identity || standing?.class === 'volatile') return `${old} IS NULL`;
  if (standing === null) return `${fresh} IS NOT NULL`;
  return differs(fresh, `CAST(${standing.expression} AS ${type})`, byteEqual);
}

function readRule(knex: Knex, on: string, name: string, to: string): Promise<RuleRow[]> {
  return runSql<RuleRow>(
    knex,
    `SELECT pg_get_ruledef(r.oid) AS definition, CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END AS event,
       EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_rewrite'::regclass
         AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.ev_class AND a.attname = $3) AS new
     FROM pg_rewrite r WHERE r.ev_class = to_regclass($1) AND r.rulename = $2`,
    [on, name, to],
  );
}

async function columnOf(knex: Knex, table: string, column: string): Promise<ColumnFacts> {
  const [found] = await runSql<{ oid: string; schema: string; name: string }>(
    knex,
    `SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [table],
  );
  const { oid, schema, name } = found ?? { oid: '0', schema: '', name: table };
  return onConnection(knex, (db) =>
    underQualifiedNames(db, () => readColumn(db, Number(oid), { schema, name }, column)),
  );
}
