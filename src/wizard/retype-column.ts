import { listColumns, readColumn } from '../catalog/column.ts';
import { readRetype } from '../catalog/conversion.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { readDefault } from '../catalog/given-expression.ts';
import { isPlainChange } from '../catalog/plain-retype.ts';
import { inWordsOf, joinedColumns, referencingColumns, whyNotJoined } from '../catalog/referencing-columns.ts';
import { findLosses, findUnconvertible } from '../catalog/unconvertible.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { quoteQualified } from '../domain/identifier.ts';
import type { Release } from '../domain/release.ts';
import type { Retype } from '../domain/rename.ts';
import { holdingViews } from '../objects/dependents/views-on.ts';
import { readTableFacts } from '../objects/table-facts.ts';
import { ensureUsableName } from '../planner/rename/new-name.ts';
import type { Warning } from '../planner/rename/warnings.ts';
import { asideName, planRetype, type RetypedColumn } from '../planner/retype/plan.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';
import { listVersionedNames } from '../project/versions.ts';
import { afterExisting } from './files.ts';
import { readOnError, refuseOnError, warningOfErrors } from './on-error.ts';
import { draftFiles, ensureApart, ensureNewChange, ensureUsableReleases, type RenameDraft } from './rename-column.ts';

/** What the wizard asks, and the flags answer. */
export interface RetypeAnswers {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly using: string | null;
  readonly back: string | null;
  readonly releases: readonly Release[];
  readonly isTolerated: boolean;
  /** Columns that reference the column get the type, too. */
  readonly withReferences: boolean;
  /** What a value becomes that cannot be converted: `null`, or `value:` and SQL; null where it is refused. */
  readonly onError: string | null;
  readonly name?: string | undefined;
}

interface DraftOptions {
  readonly now: Date;
  readonly rewriteLimit: number;
  readonly quietTriggers?: boolean;
}

/** Everything that would be written, before anything is; or the one statement that is all that it takes. */
export type RetypeDraft =
  | {
      readonly kind: 'phases';
      readonly draft: RenameDraft;
      /** As PostgreSQL computes it before the change has a function of its own. */
      readonly retype: Retype;
    }
  | { readonly kind: 'plain'; readonly table: ListedTable; readonly statement: string; readonly back: string };

/**
 * Reads the table, asks PostgreSQL what the new type does to what hangs on the column and to each row, plans all three phases and drafts every file. Nothing is
 * written. In a transaction that is rolled back, under qualified names.
 * @throws PH1007 to PH1010, PH1014, PH1043, PH1044, PH2001, PH2002, PH2032.
 */
export async function draftRetype(
  db: LedgerDb,
  history: History,
  answers: RetypeAnswers,
  { now, rewriteLimit, quietTriggers = false }: DraftOptions,
): Promise<RetypeDraft> {
  const releases = ensureUsableReleases(history, answers.releases);
  const table = await findTable(db, answers.table);
  const column = await readColumn(db, table.oid, table, answers.column);
  const retype = await readRetype(db, column, answers);
  ensureAnother(answers.column, column.type, retype.type);
  const alter = (type: string): string =>
    `ALTER TABLE ${quoteQualified(table)} ALTER COLUMN "${column.name.replaceAll('"', '""')}" TYPE ${type}`;
  if (answers.using === null && !answers.withReferences && (await isPlainChange(db, table, column, retype.type)))
    return { kind: 'plain', table, statement: alter(retype.type), back: alter(column.type) };
  const onError = await readOnError(db, { ...column, type: retype.type }, answers.onError);
  if (onError !== null && answers.withReferences)
    refuseOnError(answers.onError ?? '', 'refuse beside --with-references: a key keeps each of its values');
  const columns = await columnsOf(db, { table, column, retype }, answers, onError);
  await ensureJoined(db, columns);
  const retyped: RetypedColumn[] = [];
  for (const one of columns) retyped.push({ ...(await readRetyped(db, one, columns)), onError });
  const plan = planRetype(retyped as [RetypedColumn, ...RetypedColumn[]], {
    releases,
    name: answers.name,
    now: afterExisting(history, now),
    takenFunctions: await listVersionedNames(history.root, 'function'),
    ledgerSchema: db.ledgerSchema,
    rewriteLimit,
    quietTriggers,
    isTolerated: answers.isTolerated,
  });
  ensureNewChange(history, plan.rename);
  for (const part of [plan.rename, ...plan.parts]) await ensureApart(db, history, part, releases[0]);
  const warnings = [
    ...plan.warnings,
    ...(await warningsOfReferences(db, columns)),
    ...(onError === null ? await lossesOf(db, columns) : await warningsOfErrors(db, columns, onError)),
  ];
  const [{ facts }] = retyped as [RetypedColumn];
  const draft = { facts: [facts.next], plan, warnings, keysOfMore: [], ...(await draftFiles(history, plan, releases)) };
  return { kind: 'phases', draft, retype };
}

/** A column that is to change, and what it becomes. */
interface Retyping {
  readonly table: ListedTable;
  readonly column: ColumnFacts;
  readonly retype: Retype;
  readonly to: string;
}

/** The column, and with `--with-references` those that reference it: each gets the same type. */
async function columnsOf(
  db: LedgerDb,
  first: Omit<Retyping, 'to'>,
  { type, using, back, withReferences }: RetypeAnswers,
  onError: string | null,
): Promise<Retyping[]> {
  const { table, column, retype } = first;
  const others = withReferences ? await referencingColumns(db, table.oid, column.name, retype.type) : [];
  const found = [first];
  for (const other of others) {
    const of = await findTable(db, quoteQualified(other));
    const facts = await readColumn(db, of.oid, of, other.column);
    const request = { type, using, back, like: retype };
    found.push({ table: of, column: facts, retype: await readRetype(db, facts, request) });
  }
  const columns: Retyping[] = [];
  for (const one of found) {
    const names = await listColumns(db, one.table.oid);
    const to = asideName({ columns: names }, one.column.name);
    ensureUsableName(names, one.column.name, to);
    if (onError === null) await ensureEveryRow(db, one);
    await ensureViewsGo(db, one.table, one.column.name);
    columns.push({ ...one, to });
  }
  return columns;
}

async function readRetyped(
  db: LedgerDb,
  { table, column, retype, to }: Retyping,
  columns: readonly Retyping[],
): Promise<Omit<RetypedColumn, 'onError'>> {
  const beside = columns.filter((other) => other.column !== column);
  const others = (withType: boolean) =>
    beside.map((other) => ({
      table: other.table,
      from: other.column.name,
      to: other.to,
      retype: withType ? other.retype : null,
    }));
  const names = { from: column.name, to };
  const next = await readTableFacts(db, table, { ...names, retype, others: others(true) });
  const back = await readTableFacts(db, table, { ...names, others: others(false) });
  const standing = column.default === null ? null : await readDefault(db, column, retype);
  return { facts: { next, back }, to, retype, default: standing };
}

/** Foreign keys to columns that stay as they are. @throws PH2001 */
async function ensureJoined(db: LedgerDb, columns: readonly Retyping[]): Promise<void> {
  for (const { table, column, retype } of columns) {
    const objects = [];
    for (const joined of await joinedColumns(db, table.oid, column.name)) {
      if (columns.some((other) => other.table.oid === joined.oid && other.column.name === joined.column)) continue;
      const types = [joined.type, retype.type] as const;
      const reason = await (joined.references ? whyNotJoined(db, ...types) : whyNotJoined(db, types[1], types[0]));
      if (reason === null) continue;
      const other = inWordsOf(joined);
      const instead = joined.references
        ? `Give ${other} the new type with it: --with-references.`
        : `Change ${other}, which it references: phase new retype-column for that one, with --with-references.`;
      objects.push({ object: `foreign key ${joined.key} to ${other}`, reason, instead });
    }
    if (objects.length > 0)
      throw new PhaseError('PH2001', {
        table: quoteQualified(table),
        column: column.name,
        kind: 'retype',
        objects,
      });
  }
}

/** Columns that reference the key run out as it does. */
async function warningsOfReferences(db: LedgerDb, columns: readonly Retyping[]): Promise<Warning[]> {
  const [first] = columns;
  if (first === undefined) return [];
  const { table, column, retype } = first;
  const left = (await referencingColumns(db, table.oid, column.name, retype.type)).filter(
    (joined) => !columns.some((other) => other.table.oid === joined.oid && other.column.name === joined.column),
  );
  if (left.length === 0) return [];
  const names = left.map((joined) => `${inWordsOf(joined)} (${joined.type})`).join(', ');
  return [
    {
      code: 'references_stay',
      message: `What references it stays as it is: ${names}. --with-references gives these the same type in the same releases.`,
    },
  ];
}

/** Rows whose values are not kept. */
async function warningsOfErrors(db: LedgerDb, columns: readonly Retyping[], onError: string): Promise<Warning[]> {
  const [first] = columns;
  if (first === undefined) return [];
  const { table, column, retype } = first;
  const asked = { column: column.name, from: column.type, to: retype.type, conversion: retype.forward, notNull: false };
  return [warningOfErrors(retype.type, onError, await findUnconvertible(db, table, asked))];
}

/** Rows that would come back as another value, or not at all. */
async function lossesOf(db: LedgerDb, columns: readonly Retyping[]): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const { table, column, retype } of columns) {
    const { name, type: from, byteEqual } = column;
    const { rows, examples } = await findLosses(db, table, { column: name, from, retype, byteEqual });
    if (rows === 0) continue;
    const message = `${rows === 1 ? 'One row would not come back as it was' : `${rows} rows would not come back as they were`}, were phase 2 undone after a write to it: ${examples.slice(0, 3).join('; ')}`;
    warnings.push({ code: 'lossy_there_and_back', message });
  }
  return warnings;
}

/** @throws PH1015 */
function ensureAnother(column: string, before: string, after: string): void {
  if (before === after)
    throw new PhaseError('PH1015', { what: '--to-type', value: after, allowed: `another type than ${column} has` });
}

/** @throws PH2032 */
async function ensureEveryRow(db: LedgerDb, { table, column, retype }: Omit<Retyping, 'to'>): Promise<void> {
  if (!retype.forward.mayFail) return;
  const { name, type, notNull } = column;
  const asked = { column: name, from: type, to: retype.type, conversion: retype.forward, notNull };
  const { rows, examples } = await findUnconvertible(db, table, asked);
  const found = { change: `${table.name}.${name}`, table: quoteQualified(table), column: name, type: retype.type };
  if (rows > 0) throw new PhaseError('PH2032', { ...found, rows, examples });
}

/** @throws PH2001 */
async function ensureViewsGo(db: LedgerDb, table: ListedTable, column: string): Promise<void> {
  const holding = await holdingViews(db, quoteQualified(table), [column]);
  if (holding.length === 0) return;
  throw new PhaseError('PH2001', {
    table: quoteQualified(table),
    column,
    kind: 'retype',
    objects: holding.map((object) => ({
      object,
      reason: 'it depends on a view of the column, which is dropped and made again since its type changes',
      instead: 'Drop it in an earlier release and create it again after phase 2, or let it read the table.',
    })),
  });
}
