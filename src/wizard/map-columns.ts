import { listColumns, readColumn } from '../catalog/column.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { printedDefault } from '../catalog/given-expression.ts';
import { readMap, typedAs } from '../catalog/map-expressions.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { asPairs, castType, type MappedColumn, type Mapping, type MappingKind, mapped } from '../domain/mapping.ts';
import type { Release } from '../domain/release.ts';
import type { Conversion } from '../domain/rename.ts';
import { readDropped } from '../objects/dropping.ts';
import type { Renaming } from '../objects/renaming.ts';
import { readTableFacts, type TableFacts } from '../objects/table-facts.ts';
import { planMapping } from '../planner/mapping/plan.ts';
import { ensureUsableName } from '../planner/rename/new-name.ts';
import type { RenamePlan } from '../planner/rename/plan.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import { reasonOf } from '../postgres/errors.ts';
import { type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import type { FileChange } from '../project/files.ts';
import type { History } from '../project/history.ts';
import { listVersionedNames } from '../project/versions.ts';
import { afterExisting, type WrittenFile } from './files.ts';
import { ensureAnswered, NO_SYNC, originalOf } from './going-columns.ts';
import { ensureEveryRow, type Instead, lossesOf, type Sides, warningsOfErrors } from './mapped-rows.ts';
import { readOnError } from './on-error.ts';
import { draftFiles, ensureApart, ensureNewChange, ensureUsableReleases } from './rename-column.ts';

/** A column, and the expression that it is made by. */
export interface GivenColumn {
  readonly name: string;
  readonly expression: string;
}

/** What the wizard asks, and the flags answer. */
export interface MappingAnswers {
  readonly kind: MappingKind;
  readonly table: string;
  readonly old: readonly string[];
  /** New columns, each by SQL over the old ones. */
  readonly fresh: readonly GivenColumn[];
  /** Old columns, each by SQL over the new ones: all of them, or none. */
  readonly back: readonly GivenColumn[];
  /** Names of what hangs on the old columns and may go with them. */
  readonly drop: readonly string[];
  /** What a new column becomes where its expression has no result: null, value:EXPR, or refuse; null as refuse. */
  readonly onError: string | null;
  readonly releases: readonly Release[];
  readonly name?: string | undefined;
}

interface DraftOptions {
  readonly now: Date;
  readonly quietTriggers?: boolean;
}

/** Everything that would be written, before anything is. */
export interface MappingDraft {
  /** Of each old column. */
  readonly facts: readonly TableFacts[];
  readonly plan: RenamePlan<Mapping>;
  readonly warnings: readonly Warning[];
  readonly files: readonly WrittenFile[];
  readonly changes: readonly FileChange[];
}

/** The flag that new columns are given by. */
const FLAGS = { split: '--into', merge: '--using' } as const;

/**
 * Reads the table, asks PostgreSQL about each expression and tries it on each row, plans all three phases and drafts every file. Nothing is written. In a transaction
 * that is rolled back, under qualified names.
 * @throws PH1007 to PH1010, PH1014, PH1015, PH1043, PH2001, PH2002, PH2032.
 */
export async function draftMapping(
  db: LedgerDb,
  history: History,
  answers: MappingAnswers,
  { now, quietTriggers = false }: DraftOptions,
): Promise<MappingDraft> {
  const releases = ensureUsableReleases(history, answers.releases);
  const table = await findTable(db, answers.table);
  const before = await columnsOf(db, table, answers);
  const { onError, ...sides } = await readSides(db, before, answers);
  await ensureEveryRow(db, table, sides, onError);
  const facts = await factsOf(db, table, sides);
  const originals = facts.map((own) => originalOf(own, typedAs(own.column)));
  const answered = await readDropped(db, { table: table.oid, originals, names: answers.drop });
  ensureAnswered(table, answers, answered);
  const plan = planMapping({
    ...{
      kind: answers.kind,
      ...sides,
      onError,
      releases,
      name: answers.name,
      quietTriggers,
      dropped: answered.dropped,
      facts,
    },
    originals: originals as [Renaming, ...Renaming[]],
    now: afterExisting(history, now),
    takenFunctions: await listVersionedNames(history.root, 'function'),
    ledgerSchema: db.ledgerSchema,
  });
  ensureNewChange(history, plan.rename);
  await ensureApart(db, history, plan.rename, releases[0]);
  const warnings = [
    ...plan.warnings,
    ...(await warningsOfErrors(db, table, sides, onError)),
    ...(await lossesOf(db, table, sides, onError)),
  ];
  return { facts, plan, warnings, ...(await draftFiles(history, plan, releases)) };
}

/** The old columns, once it is known that all names can stand. @throws PH1008, PH1009, PH1015 */
async function columnsOf(
  db: Queryable,
  table: ListedTable,
  { kind, old, fresh, back }: MappingAnswers,
): Promise<ColumnFacts[]> {
  ensureOnce('--from', old);
  ensureOnce(
    kind === 'split' ? '--into' : '--to',
    fresh.map(({ name }) => name),
  );
  ensureOnce(
    '--back',
    back.map(({ name }) => name),
  );
  if (kind === 'split' && fresh.length < 2)
    refuseValue(
      '--into',
      fresh.map(({ name }) => name).join(),
      'two columns at least; to rename one: phase new rename-column',
    );
  if (kind === 'merge' && old.length < 2)
    refuseValue('--from', old.join(), 'two columns at least; to rename one: phase new rename-column');
  const strange = back.find(({ name }) => !old.includes(name));
  if (strange !== undefined) refuseValue('--back', strange.name, `one of the old columns: ${old.join(', ')}`);
  const open = old.find((name) => back.length > 0 && !back.some((one) => one.name === name));
  if (open !== undefined)
    refuseValue(
      '--back',
      back.map(({ name }) => name).join(', '),
      `all of the old columns, or none: ${open} is left out`,
    );
  const found: ColumnFacts[] = [];
  for (const column of old) found.push(await readColumn(db, table.oid, table, column));
  const names = await listColumns(db, table.oid);
  for (const { name } of fresh) ensureUsableName(names, '', name);
  return found;
}

function ensureOnce(flag: string, names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) refuseValue(flag, twice, 'each column once');
}

/** @throws PH1015 */
function refuseValue(what: string, value: string, allowed: string): never {
  throw new PhaseError('PH1015', { what, value, allowed });
}

/** Both sides, with their maps. @throws PH1015, PH1043 */
async function readSides(
  db: Queryable,
  before: readonly ColumnFacts[],
  { kind, fresh: wanted, back, onError: given }: MappingAnswers,
): Promise<Sides & { readonly onError: Instead }> {
  const inputs = before.map((column) => ({ name: column.name, type: typedAs(column) }));
  const fresh: MappedColumn[] = [];
  const onError: (string | null)[] = [];
  for (const { name, expression } of wanted) {
    const flag = FLAGS[kind];
    const { value, type, ...read } = await readMap(db, { flag, expression, inputs, to: null });
    const instead = value.mayFail ? await readOnError(db, { name, type, notNull: false }, given) : null;
    const own = await newDefault(db, before, { name, type, value, flag, expression, instead });
    const byteEqual = read.byteEqual && (instead === null || isOfOneCollation([...inputs, { type }]));
    fresh.push({ name, type, byteEqual, notNull: false, default: own, value });
    onError.push(instead);
  }
  const old: MappedColumn[] = [];
  for (const column of before) {
    const { name, byteEqual, notNull } = column;
    const leading = back.find((one) => one.name === name);
    const asked = { flag: '--back' as const, inputs: fresh, to: typedAs(column) };
    const value =
      leading === undefined ? null : (await readMap(db, { ...asked, expression: leading.expression })).value;
    const own = column.default?.class === 'constant' ? column.default.expression : null;
    old.push({ name, type: typedAs(column), byteEqual, notNull, default: own, value });
  }
  return { old, fresh, onError };
}

/** A function's result has the collation of what it is called with: beside a column of another one only bytes can be compared. */
const isOfOneCollation = (columns: readonly { readonly type: string }[]): boolean =>
  columns.every(({ type }) => !type.includes(' COLLATE '));

/**
 * What a new column gets where a row is inserted with the defaults of the old ones alone; nothing where that is NULL.
 * @throws PH1043 where it has no value: each such row would be refused.
 */
async function newDefault(
  db: Queryable,
  before: readonly ColumnFacts[],
  {
    name,
    type,
    value,
    flag,
    expression,
    instead,
  }: {
    readonly name: string;
    readonly type: string;
    readonly value: Conversion;
    readonly flag: '--into' | '--using';
    readonly expression: string;
    readonly instead: string | null;
  },
): Promise<string | null> {
  const standing = before.map((column) =>
    column.default?.class === 'constant'
      ? `(${column.default.expression})`
      : `CAST(NULL AS ${castType(typedAs(column))})`,
  );
  const given = mapped(value, standing);
  try {
    const { isGiven } = await inSavepoint(db, () =>
      one<{ isGiven: boolean }>(db, `SELECT (${given}) IS DISTINCT FROM NULL AS "isGiven"`),
    );
    return isGiven ? await printedDefault(db, { expression: given, column: name, type }) : null;
  } catch (error) {
    if (instead !== null) return instead === 'NULL' ? null : instead;
    const column = before.map((one) => one.name).join(', ');
    const reason = `A row with the defaults of ${column} alone would be refused: ${reasonOf(error)}.`;
    throw new PhaseError(
      'PH1043',
      { flag, expression, column, from: before.map(typedAs).join(', '), to: type, reason },
      { cause: error },
    );
  }
}

/** All that is on the old columns, one after the other; new names are looked at beside them. */
async function factsOf(db: LedgerDb, table: ListedTable, sides: Sides): Promise<TableFacts[]> {
  const seen = new Map<string, TableFacts>();
  const pairs = asPairs({ ...sides, table, name: '', kind: 'split', dropped: [], sync: NO_SYNC, partOf: null });
  for (const { from, to } of pairs) {
    const facts = await readTableFacts(db, table, { from, to });
    const known = seen.get(from);
    const unsupported = [...(known?.unsupported ?? []), ...facts.unsupported];
    seen.set(from, { ...facts, unsupported: [...new Map(unsupported.map((one) => [one.object, one])).values()] });
  }
  return [...seen.values()];
}
