import { listColumns, readColumn } from '../catalog/column.ts';
import { findLosses, findUnconvertible, readDefault, readRetype, type Unconvertible } from '../catalog/conversion.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { isPlainChange } from '../catalog/plain-retype.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import type { Release } from '../domain/release.ts';
import type { Retype } from '../domain/rename.ts';
import { holdingViews } from '../objects/dependents/views-on.ts';
import { readTableFacts } from '../objects/table-facts.ts';
import { ensureUsableName } from '../planner/rename/new-name.ts';
import { asideName, planRetype } from '../planner/retype/plan.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';
import { listVersionedNames } from '../project/versions.ts';
import { afterExisting } from './files.ts';
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
  readonly name?: string | undefined;
}

interface DraftOptions {
  readonly now: Date;
  readonly rewriteLimit: number;
  readonly quietTriggers?: boolean;
}

/** Everything that would be written, before anything is; or the one statement that is all that it takes. */
export type RetypeDraft =
  | { readonly kind: 'phases'; readonly draft: RenameDraft; readonly retype: Retype; readonly losses: Unconvertible }
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
  if (answers.using === null && (await isPlainChange(db, table, column, retype.type)))
    return { kind: 'plain', table, statement: alter(retype.type), back: alter(column.type) };
  const columns = await listColumns(db, table.oid);
  const to = asideName({ columns }, column.name);
  ensureUsableName(columns, column.name, to);
  await ensureEveryRow(db, table, column, retype, answers.name ?? `${table.name}.${column.name}`);
  const { name, type: from, byteEqual } = column;
  const losses = await findLosses(db, table, { column: name, from, retype, byteEqual });
  const names = { from: column.name, to };
  const next = await readTableFacts(db, table, { ...names, retype });
  const back = await readTableFacts(db, table, names);
  await ensureViewsGo(db, table, column.name);
  const plan = planRetype({ next, back }, to, retype, {
    releases,
    name: answers.name,
    now: afterExisting(history, now),
    takenFunctions: await listVersionedNames(history.root, 'function'),
    ledgerSchema: db.ledgerSchema,
    rewriteLimit,
    quietTriggers,
    isTolerated: answers.isTolerated,
    default: column.default === null ? null : await readDefault(db, column, retype),
  });
  ensureNewChange(history, plan.rename);
  await ensureApart(db, history, plan.rename, releases[0]);
  const draft = { facts: next, plan, warnings: plan.warnings, ...(await draftFiles(history, plan, releases)) };
  return { kind: 'phases', draft, retype, losses };
}

/** @throws PH1015 */
function ensureAnother(column: string, before: string, after: string): void {
  if (before === after)
    throw new PhaseError('PH1015', { what: '--to-type', value: after, allowed: `another type than ${column} has` });
}

/** @throws PH2032 */
async function ensureEveryRow(
  db: LedgerDb,
  table: ListedTable,
  { name, type }: { readonly name: string; readonly type: string },
  retype: Retype,
  change: string,
): Promise<void> {
  if (!retype.forward.mayFail) return;
  const asked = { column: name, from: type, to: retype.type, conversion: retype.forward };
  const { rows, examples } = await findUnconvertible(db, table, asked);
  if (rows === 0) return;
  throw new PhaseError('PH2032', {
    change,
    table: quoteQualified(table),
    column: name,
    type: retype.type,
    rows,
    examples,
  });
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
