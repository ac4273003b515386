import { childrenOf, treeOf } from '../../catalog/tree.ts';
import { quoteIdent, quoteLiteral, shortHash } from '../../domain/identifier.ts';
import { ledgerOf } from '../../ledger/connection.ts';
import { all, type LedgerDb, type Queryable } from '../../postgres/queryable.ts';
import { type LockPatience, withLockRetries } from '../../postgres/retry.ts';
import { withEventTriggers } from '../../postgres/session.ts';
import { inTransaction } from '../../postgres/transaction.ts';
import { QUIET } from './quiet.ts';

/** What becomes of the application's triggers while a backfill runs, as its audit says it. */
export type TriggerFate = 'quiet' | 'fired' | 'put back';

/** How a backfill deals with them. */
export interface TriggerHandling {
  readonly fate: TriggerFate;
  /** Said in each batch. */
  readonly settings: readonly string[];
  /** Takes away what was made for it. */
  end(): Promise<void>;
}

export interface ExactTools {
  readonly db: LedgerDb;
  readonly patience: LockPatience;
  /** Names of triggers that leave a row as it is when both columns hold the same. */
  readonly ownTriggers: readonly string[];
  /** Whether triggers are kept quiet: the role may, and nothing else needs them. */
  readonly isQuiet: boolean;
}

const nothing = async (): Promise<void> => undefined;

/**
 * Rows get what is set, and nothing else of them changes: triggers are kept quiet where the role may. Where it may not, or they fire all the same, and
 * one may change the row, a trigger that sorts after all of them puts back what they changed, for the batches of this backfill alone.
 */
export async function handleExactly(
  table: string,
  set: Readonly<Record<string, string>>,
  { db, patience, ownTriggers, isQuiet }: ExactTools,
): Promise<TriggerHandling> {
  const settings = isQuiet ? [QUIET] : [];
  const firing = await changingTriggers(db, table, Object.keys(set), isQuiet ? ['R', 'A'] : ['O', 'A']);
  const before = firing.filter((trigger) => !/zz_exact_[0-9a-f]{8}$/.test(trigger));
  const theirs = before.filter((name) => !ownTriggers.includes(name));
  if (theirs.length === 0) return { fate: isQuiet ? 'quiet' : 'fired', settings, end: nothing };
  const name = `exact_${shortHash(`${table} ${JSON.stringify(set)}`)}`;
  const trigger = nameAfter(before, name);
  const run = (statements: readonly string[]): Promise<void> =>
    withLockRetries(`The trigger ${trigger}`, patience, { blockers: () => [] }, () =>
      inTransaction(db, async () => {
        await db.query(`SET LOCAL lock_timeout = ${patience.lockTimeoutMs}`);
        for (const statement of statements) await withEventTriggers(db, () => db.query(statement));
      }),
    );
  // A run that was killed has left its own, under whatever name it had then.
  const own = `${ledgerOf(db)}.${name}()`;
  const drop = [`DROP FUNCTION IF EXISTS ${own} CASCADE`];
  const children = await childrenOf(db, table);
  await run([
    ...drop,
    functionText(own, set),
    ...[table, ...children].flatMap((on) => triggerText(trigger, on, { name, own })),
  ]);
  return {
    fate: 'put back',
    settings: [...settings, `SET LOCAL triphase.exact = ${quoteLiteral(name)}`],
    end: () => run(drop),
  };
}

/** BEFORE triggers that fire for an update of some columns, where they are enabled in one of these ways; on any partition. */
async function changingTriggers(
  db: Queryable,
  table: string,
  columns: readonly string[],
  enabled: readonly string[],
): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `${treeOf('pg_catalog.to_regclass($1)::oid')}
     SELECT DISTINCT t.tgname AS name FROM pg_catalog.pg_trigger t
     WHERE t.tgrelid IN (SELECT oid FROM tree) AND NOT t.tgisinternal
       AND t.tgtype & 1 = 1 AND t.tgtype & 2 = 2 AND t.tgtype & 16 = 16 AND t.tgenabled = ANY ($3)
       AND (pg_catalog.cardinality(t.tgattr::int2[]) = 0 OR EXISTS (SELECT FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[]) AND a.attname = ANY ($2)))`,
    [table, columns, enabled],
  );
  return rows.map(({ name }) => name);
}

/** BEFORE triggers fire in the order of their names' bytes. */
function nameAfter(others: readonly string[], name: string): string {
  const names = ['zz_', '~zz_', '\u{10ffff}zz_'].map((prefix) => prefix + name);
  const isAfter = (candidate: string): boolean =>
    others.every((other) => Buffer.compare(Buffer.from(candidate), Buffer.from(other)) > 0);
  return names.find(isAfter) ?? `\u{10ffff}${names.at(-1)}`;
}

/** The row before, with what is set of it. Expressions are computed from the row before, as the UPDATE does. */
function functionText(own: string, set: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(set).map(
    ([column, expression]) =>
      `  NEW.${quoteIdent(column)} := (SELECT (${expression}\n) FROM (SELECT OLD.*) AS "row before");\n`,
  );
  const body = `\n#variable_conflict use_column\nBEGIN\n  NEW := OLD;\n${assignments.join('')}  RETURN NEW;\nEND\n`;
  return `CREATE OR REPLACE FUNCTION ${own} RETURNS trigger LANGUAGE plpgsql AS ${quoteLiteral(body)}`;
}

function triggerText(trigger: string, table: string, { name, own }: { name: string; own: string }): string[] {
  const when = `pg_catalog.current_setting('triphase.exact', true) = ${quoteLiteral(name)}`;
  return [
    `CREATE TRIGGER ${quoteIdent(trigger)} BEFORE UPDATE ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION ${own}`,
    `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${quoteIdent(trigger)}`,
  ];
}
