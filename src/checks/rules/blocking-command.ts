import type { JudgeContext, JudgedMigration, JudgedStatement, Judgement, Rule } from '../rule.ts';
import { alterations, field, nodes, tableName, text } from '../syntax.ts';

/** What it does to whom, and what to do instead. */
interface Blocking {
  readonly table: string;
  readonly message: string;
  readonly remedy: string;
}

/** What a command works on that need not name a table. */
const WHOLE = 'the database';
const AT_A_QUIET_TIME = 'run it at a quiet time, with a silence that says so';

export const blockingCommand: Rule = {
  code: 'blocking_command',
  title: 'A command works through a table while others wait',
  why: 'CLUSTER, VACUUM FULL and SET LOGGED write the table anew, REINDEX and REFRESH build it, ATTACH PARTITION reads it: until they are done nobody writes it, and with most of them nobody reads it. DETACH PARTITION waits for everybody who uses the whole table.',
  safely:
    'CONCURRENTLY where there is one (REINDEX, REFRESH MATERIALIZED VIEW, DETACH PARTITION), outside a transaction; before ATTACH PARTITION a validated CHECK that says what the bound says.',
  examples: {
    found: 'CLUSTER users USING users_pkey;',
    silent: '-- phase:no-transaction\nREINDEX INDEX CONCURRENTLY users_pkey;',
  },
  judge(migration, context) {
    const commands = migration.statements.flatMap((statement) => found(statement, commandOf(statement), context));
    return [...commands, ...partitions(migration, context), ...rewrites(migration, context)];
  },
};

function found({ line }: JudgedStatement, blocking: Blocking | null, context: JudgeContext): Judgement[] {
  if (blocking === null || (blocking.table !== WHOLE && context.isNew(blocking.table))) return [];
  return [{ line, severity: 'error', message: blocking.message, remedy: blocking.remedy }];
}

const nobody = (table: string): string => `Nobody reads or writes ${table} until it is done.`;

function commandOf({ kind, node }: JudgedStatement): Blocking | null {
  const table = tableName(field(node, 'relation'));
  switch (kind) {
    case 'ClusterStmt':
      return {
        table,
        message: nobody(table),
        remedy: `pg_repack orders a table while it is used; or ${AT_A_QUIET_TIME}.`,
      };
    case 'ReindexStmt':
      return hasOption(node, 'params', 'concurrently')
        ? null
        : {
            table,
            message: `Writes to ${table} wait until it is done.`,
            remedy: 'REINDEX ... CONCURRENTLY, outside a transaction (-- phase:no-transaction).',
          };
    case 'RefreshMatViewStmt':
      return node.concurrent === true
        ? null
        : {
            table,
            message: nobody(table),
            remedy: 'REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index of it.',
          };
    case 'VacuumStmt':
      return hasOption(node, 'options', 'full')
        ? {
            table: WHOLE,
            message: nobody('what it writes anew'),
            remedy: `Without FULL; or ${AT_A_QUIET_TIME}.`,
          }
        : null;
    case 'LockStmt':
      return lockOf(node);
    default:
      return null;
  }
}

/** From SHARE UPDATE EXCLUSIVE on others wait, from SHARE on for writes. */
const SHARE = 5;
const ACCESS_EXCLUSIVE = 8;

function lockOf(node: Node): Blocking | null {
  const mode = Number(node.mode);
  const [first] = nodes(node, 'relations');
  if (mode < SHARE || first === undefined) return null;
  const table = tableName(first.node);
  return {
    table,
    message: `${mode === ACCESS_EXCLUSIVE ? 'Reads and writes of' : 'Writes to'} ${table} wait until the transaction ends.`,
    remedy: 'Take a weaker lock, or none: what a migration does takes its own; and keep the transaction short.',
  };
}

type Node = JudgedStatement['node'];

const hasOption = (node: Node, list: string, name: string): boolean =>
  nodes(node, list).some((one) => text(one.node, 'defname') === name);

function partitions(migration: JudgedMigration, context: JudgeContext): Judgement[] {
  return alterations(migration).flatMap(({ type, table, def, statement: { line } }): Judgement[] => {
    const part = tableName(field(def, 'name'));
    if (type === 'AT_DetachPartition' && def?.concurrent !== true && !context.isNew(table)) {
      const message = `DETACH PARTITION waits for all that use ${table}, and all that come after wait behind it.`;
      const remedy = 'DETACH PARTITION ... CONCURRENTLY, outside a transaction (-- phase:no-transaction).';
      return [{ line, severity: 'warning', message, remedy }];
    }
    if (type !== 'AT_AttachPartition' || context.isNew(part)) return [];
    const message = `Every row of ${part} is read, while nobody uses it, unless a valid CHECK says what its bound says.`;
    const remedy = `Before it, in migrations of their own: ALTER TABLE ${part} ADD CONSTRAINT ... CHECK (...) NOT VALID, and VALIDATE CONSTRAINT; drop it after.`;
    return [{ line, severity: 'warning', message, remedy }];
  });
}

const REWRITES: Readonly<Record<string, string>> = {
  AT_SetLogged: 'SET LOGGED',
  AT_SetUnLogged: 'SET UNLOGGED',
  AT_SetTableSpace: 'SET TABLESPACE',
  AT_SetAccessMethod: 'SET ACCESS METHOD',
};

function rewrites(migration: JudgedMigration, context: JudgeContext): Judgement[] {
  return alterations(migration).flatMap(({ type, table, statement: { line } }): Judgement[] => {
    const what = REWRITES[type];
    if (what === undefined || context.isNew(table)) return [];
    const message = `${what} writes ${table} anew: ${nobody(table).toLowerCase()}`;
    return [{ line, severity: 'error', message, remedy: `PostgreSQL knows no other way: ${AT_A_QUIET_TIME}.` }];
  });
}
