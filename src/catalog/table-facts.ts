import { PhaseError } from '../domain/errors/phase-error.ts';
import type { DependentFacts, TableFacts } from '../domain/facts.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { all, type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { aliasesJoins } from './aliases.ts';
import { listColumns, readColumn } from './column.ts';
import { type FoundConstraint, type FoundKey, readChecks, readForeignKeys } from './constraints.ts';
import { readDependents } from './dependents.ts';
import type { ListedTable } from './find-table.ts';
import { type FoundIndex, readIndexes } from './indexes.ts';
import { readMentions, readNameUsers, readRowUsers } from './mentions.ts';
import { readOwnColumns } from './own-columns.ts';
import { type MissingRight, readForeignFunctions, readMissingRights } from './rights.ts';
import { isKnownRule } from './rules.ts';
import { makeScratch, renameInScratch } from './scratch.ts';
import { readShape, takenNames } from './shape.ts';
import { type FoundStatistics, readStatistics } from './statistics.ts';
import { readTree, type TreeMember } from './tree.ts';
import { copyTriggers, type FoundTrigger, readTriggers } from './triggers.ts';
import { unsupportedOf } from './unsupported.ts';
import { ensureNoWholeRows } from './whole-rows.ts';

/** The column to rename, and its new name. */
export interface ColumnNames {
  readonly from: string;
  readonly to: string;
}

/**
 * Everything that a rename has to know of a table, for a column and its new name. Reads only: what it creates to let
 * PostgreSQL rewrite definitions is rolled back.
 * @param prepare changes the table to what it will be by then; rolled back, too.
 * @throws PH1008 when the column does not exist, PH2020 when the role may not rename it, PH2001 for what whole rows are computed from.
 */
export function readTableFacts(
  db: LedgerDb,
  table: ListedTable,
  { from, to }: ColumnNames,
  prepare: () => Promise<void> = async () => undefined,
): Promise<TableFacts> {
  return inRolledBackTransaction(db, async () => {
    await prepare();
    return underQualifiedNames(db, () => readFacts(db, table, { from, to }));
  });
}

/** @throws PH2020 */
async function ensureRights(db: LedgerDb, table: ListedTable, column: string): Promise<void> {
  ensureNone(table, column, await readMissingRights(db, { table: table.oid, column, drafts: true }));
}

function ensureNone(table: ListedTable, column: string, missing: readonly MissingRight[]): void {
  if (missing.length > 0) throw new PhaseError('PH2020', { table: quoteQualified(table), column, missing });
}

async function readFacts(db: LedgerDb, table: ListedTable, { from, to }: ColumnNames): Promise<TableFacts> {
  const column = await readColumn(db, table.oid, table, from);
  await ensureRights(db, table, from);
  const shape = await readShape(db, table.oid, column.number);
  await ensureNoWholeRows(db, table, from);
  const hanging = await readHanging(db, table, from, to);
  const keys = await readForeignKeys(db, table.oid, from, to);
  const dependents = await readDependents(db, table.oid, from);
  const columns = await listColumns(db, table.oid);
  const unknownRules = await notFine(
    dependents,
    async ({ kind, text }) => kind !== 'rule on the table' || isKnownRule(text),
  );
  const byPosition = await notFine(dependents, async ({ text }) => !(await aliasesJoins(text)));
  const rowUsers = await readRowUsers(db, table, { from, to });
  // While a rename is under way functions may use the new column.
  const nameUsers = columns.includes(to) ? [] : await readNameUsers(db, table, to);
  const mentions = await readMentions(db, table, from);
  ensureNone(
    table,
    from,
    await readForeignFunctions(
      db,
      mentions.map(({ procedure }) => procedure),
    ),
  );
  // Of a partitioned table PostgreSQL makes no primary key from an index, so that none is there for a second key before phase 3.
  const hasTwin = ({ toPrimaryKey }: FoundKey): boolean => !(shape.partitioned && toPrimaryKey);
  const found = { ...hanging, keys, dependents, byPosition, unknownRules, rowUsers, nameUsers, shape, column };
  return {
    table: { schema: table.schema, name: table.name },
    serverVersion: await serverVersion(db),
    partitioned: shape.partitioned,
    children: shape.children,
    updateRules: shape.updateRules,
    pages: shape.pages,
    rows: shape.rows,
    bytes: shape.bytes,
    columns,
    column,
    indexes: factsOf(hanging.indexes.filter(({ constraint }) => constraint === null)),
    uniques: factsOf(hanging.indexes.filter(({ constraint, exclusion }) => constraint === 'u' && exclusion === null)),
    primaryKeys: factsOf(hanging.indexes.filter(({ constraint }) => constraint === 'p')),
    exclusions: hanging.indexes.flatMap(({ exclusion, constraint }) =>
      exclusion === null || constraint === 'p' ? [] : [exclusion],
    ),
    checks: factsOf(hanging.checks),
    foreignKeys: factsOf(keys.out.filter(hasTwin)),
    referencing: factsOf(keys.into.filter(hasTwin)),
    statistics: factsOf(hanging.statistics),
    triggers: factsOf(hanging.triggers),
    dependents: [
      ...dependents.flatMap(({ kind, description: _d, dependsOnIt: _o, fixed: _f, text: _t, ...object }) =>
        kind === 'other' || kind === 'rule on the table' ? [] : [{ kind, ...object }],
      ),
      ...[...keys.out, ...keys.into]
        .filter((key) => !hasTwin(key))
        .sort((a, b) => a.made - b.made)
        .map(movedWithKey),
    ],
    rules: dependents.flatMap(({ kind, name, on }) =>
      kind === 'rule on the table' && on !== null ? [{ name, on }] : [],
    ),
    mentions,
    rowDoubts: rowUsers.filter(({ doubtful }) => doubtful).map(({ signature }) => signature),
    takenNames: await takenNames(db, table),
    published: shape.published,
    unsupported: [...unsupportedOf(table, to, found), ...(await readOwnColumns(db, table.oid, from, to))],
  };
}

/** A foreign key that is made anew when the primary key has moved. */
function movedWithKey({ facts: { on, name, validated, enforced }, bytes }: FoundKey): DependentFacts {
  const isChecked = validated && enforced;
  const none = { upserts: false, rewrites: isChecked, bytes: isChecked ? bytes : 0 };
  return { kind: 'key to primary key', name, on, needsPrimaryKey: true, waitsForKey: true, ...none };
}

/** Those of some objects for which something does not hold. */
async function notFine<T>(objects: readonly T[], isFine: (object: T) => Promise<boolean>): Promise<T[]> {
  const fine = await Promise.all(objects.map(isFine));
  return objects.filter((_object, at) => !fine[at]);
}

function factsOf<T>(found: readonly { readonly facts: T }[]): T[] {
  return found.map(({ facts }) => facts);
}

async function serverVersion(db: Queryable): Promise<number> {
  const sql = `SELECT current_setting('server_version_num')::int AS version`;
  return (await one<{ version: number }>(db, sql)).version;
}

/** What was found on the table and, where they have something of their own, on its partitions. */
export interface Hanging {
  readonly indexes: readonly FoundIndex[];
  readonly checks: readonly FoundConstraint[];
  readonly statistics: readonly FoundStatistics[];
  readonly triggers: readonly FoundTrigger[];
}

async function readHanging(db: Queryable, table: ListedTable, from: string, to: string): Promise<Hanging> {
  const members = await membersToRead(db, table.oid, from);
  const parts: Hanging[] = [];
  for (const member of members) parts.push(await readMember(db, member, from, to));
  return {
    indexes: parts.flatMap(({ indexes }) => indexes),
    checks: parts.flatMap(({ checks }) => checks),
    statistics: parts.flatMap(({ statistics }) => statistics),
    triggers: parts.flatMap(({ triggers }) => triggers),
  };
}

async function readMember(db: Queryable, member: TreeMember, from: string, to: string): Promise<Hanging> {
  const scratch = await makeScratch(db, member);
  await copyTriggers(db, member, to, scratch);
  await renameInScratch(db, scratch, from, to);
  return {
    indexes: await readIndexes(db, member, scratch),
    checks: await readChecks(db, member, scratch),
    statistics: await readStatistics(db, member, scratch),
    triggers: await readTriggers(db, member, from, to, scratch),
  };
}

/** The table itself, and those of its partitions that have anything which does not come from it. */
async function membersToRead(db: Queryable, table: number, column: string): Promise<TreeMember[]> {
  const members = await readTree(db, table, column);
  const own = await all<{ oid: string }>(
    db,
    `SELECT indrelid::int8::text AS oid FROM pg_index i WHERE indrelid = ANY ($1::oid[]) AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
     UNION SELECT conrelid::int8::text FROM pg_constraint WHERE conrelid = ANY ($1::oid[]) AND contype = 'c' AND coninhcount = 0
     UNION SELECT stxrelid::int8::text FROM pg_statistic_ext WHERE stxrelid = ANY ($1::oid[])
     UNION SELECT tgrelid::int8::text FROM pg_trigger WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal AND tgparentid = 0`,
    [members.map(({ oid }) => oid)],
  );
  const withOwn = new Set(own.map(({ oid }) => Number(oid)));
  return members.filter(({ oid, root, kind }) => root || (withOwn.has(oid) && kind !== 'f'));
}
