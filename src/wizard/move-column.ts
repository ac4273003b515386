import { listColumns, readColumn } from '../catalog/column.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { typedAs } from '../catalog/map-expressions.ts';
import { WITHOUT_GENERATED } from '../catalog/retype-scratch.ts';
import { makeScratch } from '../catalog/scratch.ts';
import { isNotNullDomain, readUnmakable } from '../catalog/unmakable.ts';
import { readVia, type Via } from '../catalog/via.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { deriveName, quoteIdent, quoteQualified, slug } from '../domain/identifier.ts';
import { MISSING, type Missing, type Move } from '../domain/move.ts';
import type { Release } from '../domain/release.ts';
import { ensureRows, ensureWriters } from '../gates/move.ts';
import { type CarriedTo, carriedTo } from '../objects/carry-to.ts';
import { readDropped } from '../objects/dropping.ts';
import { readTableFacts, type TableFacts } from '../objects/table-facts.ts';
import { planMove } from '../planner/move/plan.ts';
import { ensureUsableName } from '../planner/rename/new-name.ts';
import type { RenamePlan } from '../planner/rename/plan.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { FileChange } from '../project/files.ts';
import type { History } from '../project/history.ts';
import { listVersionedNames } from '../project/versions.ts';
import { afterExisting, type WrittenFile } from './files.ts';
import { ensureAnswered, originalOf } from './going-columns.ts';
import { printedSteps } from './one-release.ts';
import { draftFiles, ensureApart, ensureNewChange, ensureUsableReleases, type PlainFile } from './rename-column.ts';

/** What the wizard asks, and the flags answer. */
export interface MoveAnswers {
  readonly table: string;
  readonly column: string;
  readonly toTable: string;
  readonly to: string;
  /** `contacts.user_id = users.id` */
  readonly via: string;
  readonly missing: string;
  /** Names of what hangs on the old column and may go with it. */
  readonly drop: readonly string[];
  /** Names of what hangs on it, goes with it, and is built on the other table by the second phase. */
  readonly carry: readonly string[];
  readonly releases: readonly Release[];
  readonly name?: string | undefined;
}

interface DraftOptions {
  readonly now: Date;
  readonly quietTriggers?: boolean;
}

/** Everything that would be written, before anything is. */
export interface MoveDraft {
  readonly facts: TableFacts;
  readonly plan: RenamePlan<Move>;
  readonly warnings: RenamePlan['warnings'];
  readonly files: readonly WrittenFile[];
  readonly changes: readonly FileChange[];
}

/**
 * Reads both tables, looks at each row that would be moved, plans all three phases and drafts every file. Nothing is written. In a transaction that is rolled back, under
 * qualified names.
 * @throws PH1007 to PH1010, PH1014, PH1015, PH1045, PH2001, PH2002, PH2020, PH2033, PH2034.
 */
export async function draftMove(
  db: LedgerDb,
  history: History,
  answers: MoveAnswers,
  { now, quietTriggers = false }: DraftOptions,
): Promise<MoveDraft> {
  const releases = ensureUsableReleases(history, answers.releases);
  const [source, target] = [await findTable(db, answers.table), await findTable(db, answers.toTable)];
  const missing = missingOf(answers.missing);
  if (source.oid === target.oid)
    refuse('--to-table', answers.toTable, 'another table; within one: phase new rename-column');
  const column = await readColumn(db, source.oid, source, answers.column);
  ensureUsableName(await listColumns(db, target.oid), '', answers.to);
  const via = await readVia(db, answers.via, { source, target });
  ensureNoKey(answers, via);
  const { byteEqual } = column;
  const moved = { name: '', table: source, from: answers.column, toTable: target, to: answers.to, byteEqual, missing };
  await ensureRows(db, { ...moved, via: via.columns, isUnique: via.isUnique });
  await ensureWriters(db, { ...moved, via: via.columns });
  await ensureAddable(db, { source, target, via, missing }, answers);
  const { facts, targetFacts } = await factsOf(db, { source, target }, answers, via);
  const original = originalOf(facts, typedAs(column));
  const answered = await readDropped(db, {
    table: source.oid,
    originals: [original],
    names: [...answers.drop, ...answers.carry],
    mayCarry: true,
  });
  ensureAnswered(source, { kind: 'move', old: [answers.column] }, answered);
  const carried = await readCarried(db, { facts, targetFacts, target }, answers, typedAs(column));
  const plan = planMove({
    ...{
      facts,
      original,
      targetFacts,
      to: answers.to,
      type: typedAs(column),
      via: via.columns,
      isUnique: via.isUnique,
    },
    ...{ missing, dropped: answered.dropped, releases, name: answers.name, quietTriggers },
    now: afterExisting(history, now),
    takenFunctions: await listVersionedNames(history.root, 'function'),
    ledgerSchema: db.ledgerSchema,
  });
  ensureNewChange(history, plan.rename);
  await ensureApart(db, history, plan.rename, releases[0]);
  const more = carried.up.length === 0 ? [] : [carriedFile(plan, answers, carried)];
  return { facts, plan, warnings: plan.warnings, ...(await draftFiles(history, plan, releases, more)) };
}

/** What is built on the other table in the place of what goes with the column. @throws PH2001 */
async function readCarried(
  db: LedgerDb,
  {
    facts,
    targetFacts,
    target,
  }: { readonly facts: TableFacts; readonly targetFacts: TableFacts; readonly target: ListedTable },
  { column, to, carry }: MoveAnswers,
  type: string,
): Promise<CarriedTo> {
  if (carry.length === 0) return { up: [], down: [], refused: [] };
  const { name: copy } = await makeScratch(db, target, WITHOUT_GENERATED);
  await db.query(`ALTER TABLE ${copy} ADD COLUMN ${quoteIdent(to)} ${type}`);
  const otherName = (name: string): string => deriveName(`${name}_of_${slug(target.name)}`, '');
  const place = { facts, aside: asideOf(column), target: targetFacts, to, copy, otherName };
  const carried = await carriedTo(db, place, carry);
  if (carried.refused.length === 0) return carried;
  const { table } = facts;
  throw new PhaseError('PH2001', { table: quoteQualified(table), column, kind: 'move', objects: carried.refused });
}

/** A migration of the second phase, after its switch. */
function carriedFile(plan: RenamePlan<Move>, { to }: MoveAnswers, { up, down }: CarriedTo): PlainFile {
  const { name, toTable } = plan.rename;
  const last = plan.steps.find(({ step }) => step === 'contract');
  const before = plan.steps.find(({ step }) => step === 'switch');
  const title = `${quoteQualified(toTable)}: what hung on the old column, on ${to}. Read it, and edit it where it is to be another one here.`;
  return {
    // The second of the last step is free in the second release.
    id: `${last?.id.slice(0, 14)}_${name}_phase_2_carried`,
    phase: 2,
    after: before?.id ?? '',
    content: printedSteps(title, up, down, '{ transaction: false, safeToRepeat: true }'),
  };
}

/** @throws PH2001 where the new column cannot be added, or no row be made for a value. */
async function ensureAddable(
  db: LedgerDb,
  places: { readonly source: ListedTable; readonly target: ListedTable; readonly via: Via; readonly missing: Missing },
  { column }: MoveAnswers,
): Promise<void> {
  const { source, target, via, missing } = places;
  const objects =
    missing === 'create'
      ? await readUnmakable(db, { table: target.oid, given: via.columns.map((one) => one.target) })
      : [];
  if (objects.length > 0)
    throw new PhaseError('PH2001', { table: quoteQualified(target), column, kind: 'move', objects });
  if (!(await isNotNullDomain(db, source.oid, column))) return;
  const domain = {
    object: `the type of ${column}, a domain that is NOT NULL`,
    reason: 'PostgreSQL adds no column of it to a table that has rows',
    instead:
      'Give it the type without NOT NULL first (phase new retype-column); phase new set-not-null brings that back afterwards.',
  };
  throw new PhaseError('PH2001', { table: quoteQualified(source), column, kind: 'move', objects: [domain] });
}

/** What is on the old column, and on the other table, whose new column is looked for beside the one that tells its rows. */
async function factsOf(
  db: LedgerDb,
  { source, target }: { readonly source: ListedTable; readonly target: ListedTable },
  { column, to }: MoveAnswers,
  via: Via,
): Promise<{ facts: TableFacts; targetFacts: TableFacts }> {
  const aside = asideOf(column);
  const facts = await readTableFacts(db, source, { from: column, to: aside });
  const targetFacts = await readTableFacts(db, target, { from: via.columns[0]?.target ?? '', to });
  return { facts, targetFacts };
}

const asideOf = (column: string): string => `${column.slice(0, 40)}_triphase`;

function missingOf(text: string): Missing {
  const found = MISSING.find((one) => one === text);
  return found ?? refuse('--missing', text, MISSING.join(', '));
}

/** A value that tells which rows belong together stays where it does. */
function ensureNoKey({ column, via }: MoveAnswers, { columns }: Via): void {
  if (columns.some(({ source }) => source === column))
    refuse('--via', via, `another column than ${column}, which moves`);
}

function refuse(what: string, value: string, allowed: string): never {
  throw new PhaseError('PH1015', { what, value, allowed });
}
