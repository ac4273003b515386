import { listColumns, readColumn } from '../catalog/column.ts';
import type { ListedTable } from '../catalog/find-table.ts';
import { type RowUserFacts, readMentions, readNameUsers, readRowUsers } from '../catalog/mentions.ts';
import { readOwnColumns } from '../catalog/own-columns.ts';
import { retypeInScratch, WITHOUT_GENERATED } from '../catalog/retype-scratch.ts';
import { type MissingRight, readForeignFunctions, readMissingRights } from '../catalog/rights.ts';
import { makeScratch, renameInScratch } from '../catalog/scratch.ts';
import { readShape, takenNames } from '../catalog/shape.ts';
import { readTree, type TreeMember } from '../catalog/tree.ts';
import { ensureNoWholeRows } from '../catalog/whole-rows.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import {
  type ColumnFacts,
  type MentionFacts,
  type ObjectFacts,
  SCRATCH_ASIDE,
  type UnsupportedObject,
} from '../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { dependentsOn } from './dependents/read.ts';
import type { AnyKind } from './kind.ts';
import { notKnown } from './refusal.ts';
import { KINDS, type ObjectsByKind } from './registry.ts';
import { type ColumnNames, type Scratching, TableSources } from './sources.ts';
import { unsupportedTable } from './unsupported-table.ts';

/** All that a rename has to know of a table. */
export interface TableFacts {
  readonly table: QualifiedName;
  readonly serverVersion: number;
  readonly partitioned: boolean;
  /** Tables that inherit from it by plain inheritance, at any level; qualified and quoted. */
  readonly children: readonly string[];
  /** Rules that rewrite every UPDATE, so that a backfill has to keep them quiet. */
  readonly updateRules: readonly string[];
  readonly pages: number;
  readonly rows: number | null;
  /** With its partitions, without indexes. */
  readonly bytes: number;
  readonly columns: readonly string[];
  readonly column: ColumnFacts;
  /** What hangs on the column. */
  readonly objects: ObjectsByKind;
  readonly mentions: readonly MentionFacts[];
  /** Functions that make something of whole rows of the table and may depend on the order of its columns, by their signatures. */
  readonly rowDoubts: readonly string[];
  /** Names in use by relations of the schema, by constraints of the table, by functions of the schema. */
  readonly takenNames: readonly string[];
  readonly published: readonly string[];
  readonly unsupported: readonly UnsupportedObject[];
}

/** How facts are read. */
interface Reading {
  /** Changes the table to what it will be by then; rolled back, too. */
  readonly prepare?: () => Promise<void>;
  /** For tests, which add one of their own. */
  readonly kinds?: readonly AnyKind[];
}

/**
 * Everything that a rename has to know of a table, for a column and its new name. Reads only: what it creates to let
 * PostgreSQL rewrite definitions is rolled back.
 * @throws PH1008 when the column does not exist, PH2020 when the role may not rename it, PH2001 for what whole rows are computed from.
 */
export function readTableFacts(
  db: LedgerDb,
  table: ListedTable,
  { from, to, retype = null, others = [] }: ColumnNames,
  { prepare, kinds = KINDS }: Reading = {},
): Promise<TableFacts> {
  return inRolledBackTransaction(db, async () => {
    await prepare?.();
    return underQualifiedNames(db, () => readFacts(db, table, { from, to, retype, others }, kinds));
  });
}

async function readFacts(
  db: LedgerDb,
  table: ListedTable,
  names: ColumnNames,
  kinds: readonly AnyKind[],
): Promise<TableFacts> {
  const { from, to } = names;
  const column = await readColumn(db, table.oid, table, from);
  ensureNone(table, from, await readMissingRights(db, { table: table.oid, column: from, drafts: true }));
  const shape = await readShape(db, table.oid, column.number);
  await ensureNoWholeRows(db, table, from);
  const sources = new TableSources(db, table, names, { shape, members: await toScratch(db, table, names, kinds) });
  const { objects, refused } = await readObjects(sources, kinds);
  const columns = await listColumns(db, table.oid);
  const users = await readUsers(db, table, names, columns);
  const mentions = await readMentions(db, table, from);
  const procedures = mentions.map(({ procedure }) => procedure);
  ensureNone(table, from, await readForeignFunctions(db, procedures));
  const { partitioned, children, updateRules, pages, rows, bytes, published } = shape;
  return {
    table: { schema: table.schema, name: table.name },
    serverVersion: await serverVersion(db),
    ...{ partitioned, children, updateRules, pages, rows, bytes, columns, column, objects, mentions },
    rowDoubts: users.rowUsers.filter(({ doubtful }) => doubtful).map(({ signature }) => signature),
    takenNames: await takenNames(db, table),
    published,
    unsupported: [
      ...unsupportedTable(table, to, { ...users, shape }),
      ...refused,
      ...(await readOwnColumns(db, table.oid, from, to)),
    ],
  };
}

/** @throws PH2020 */
function ensureNone(table: ListedTable, column: string, missing: readonly MissingRight[]): void {
  if (missing.length > 0) throw new PhaseError('PH2020', { table: quoteQualified(table), column, missing });
}

/** What hangs on the column, kind by kind; what is of none is refused. */
async function readObjects(
  sources: TableSources,
  kinds: readonly AnyKind[],
): Promise<{ objects: ObjectsByKind; refused: UnsupportedObject[] }> {
  const objects: Record<string, readonly ObjectFacts[]> = {};
  const refused: UnsupportedObject[] = [];
  for (const kind of kinds) {
    const found = await kind.read(sources);
    objects[kind.name] = found.objects;
    refused.push(...found.refused);
  }
  const others = (await dependentsOn(sources)).filter(({ kind }) => !kinds.some(({ name }) => name === kind));
  return {
    objects: objects as unknown as ObjectsByKind,
    refused: [...refused, ...others.map(({ description }) => notKnown(description))],
  };
}

/** Functions that use whole rows of the table, or the new name. */
async function readUsers(
  db: LedgerDb,
  table: ListedTable,
  { from, to }: ColumnNames,
  columns: readonly string[],
): Promise<{ rowUsers: RowUserFacts[]; nameUsers: string[] }> {
  return {
    rowUsers: await readRowUsers(db, table, { from, to }),
    // While a rename is under way functions may use the new column.
    nameUsers: columns.includes(to) ? [] : await readNameUsers(db, table, to),
  };
}

async function serverVersion(db: Queryable): Promise<number> {
  const sql = `SELECT current_setting('server_version_num')::int AS version`;
  return (await one<{ version: number }>(db, sql)).version;
}

/** Copies of the structure of the table, and of those partitions that have something of their own, with the column renamed. */
async function toScratch(
  db: Queryable,
  table: ListedTable,
  names: ColumnNames,
  kinds: readonly AnyKind[],
): Promise<Scratching[]> {
  const scratched: Scratching[] = [];
  const retype = names.retype ?? null;
  for (const member of await membersToRead(db, table.oid, names.from, kinds)) {
    const scratch = await makeScratch(db, member, retype === null ? '' : WITHOUT_GENERATED);
    const beside = (names.others ?? []).filter((other) => other.table.oid === table.oid);
    const scratching = { db, member, names: { ...names, others: beside }, scratch };
    if (retype !== null)
      ensureFits(table, names, await retypeInScratch(db, scratch, { table: member, column: names.from, retype }));
    for (const { from, retype: type = null } of beside)
      if (type !== null)
        ensureFits(table, names, await retypeInScratch(db, scratch, { table: member, column: from, retype: type }));
    for (const kind of kinds) await kind.toScratch?.(scratching);
    for (const [at, { from, to }] of [names, ...beside].entries()) {
      const aside = at === 0 ? {} : { aside: `${SCRATCH_ASIDE} ${at}` };
      await renameInScratch(db, scratch, { from, to, ...aside });
    }
    scratched.push(scratching);
  }
  return scratched;
}

/** @throws PH2001 */
function ensureFits(table: ListedTable, { from }: ColumnNames, objects: readonly UnsupportedObject[]): void {
  if (objects.length > 0)
    throw new PhaseError('PH2001', { table: quoteQualified(table), column: from, kind: 'retype', objects });
}

/** The table itself, and those of its partitions that have anything which does not come from it. */
async function membersToRead(
  db: Queryable,
  table: number,
  column: string,
  kinds: readonly AnyKind[],
): Promise<TreeMember[]> {
  const members = await readTree(db, table, column);
  const queries = new Set(kinds.flatMap(({ ownTables = [] }) => ownTables));
  const own = await all<{ oid: string }>(db, `SELECT oid FROM (${[...queries].join(' UNION ')}) AS own(oid)`, [
    members.map(({ oid }) => oid),
  ]);
  const withOwn = new Set(own.map(({ oid }) => Number(oid)));
  return members.filter(({ oid, root, kind }) => root || (withOwn.has(oid) && kind !== 'f'));
}
