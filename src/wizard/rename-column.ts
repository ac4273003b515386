import { listColumns, readColumn } from '../catalog/column.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { asPair, type Change, changesOf, columnsOf, freshInWords, isRename, kindOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { firstOfEach } from '../domain/group.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import { type ManifestEntry, releaseOfPhase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { type Rename, wholeOf } from '../domain/rename.ts';
import { exclusiveObject } from '../objects/shared.ts';
import { readTableFacts, type TableFacts } from '../objects/table-facts.ts';
import { ensureUsableName } from '../planner/rename/new-name.ts';
import { planRename, type RenamedColumn, type RenamePlan } from '../planner/rename/plan.ts';
import { syncFactsOf } from '../planner/rename/sync.ts';
import type { LedgerDb, Queryable } from '../postgres/queryable.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import { type FileChange, writeFiles } from '../project/files.ts';
import type { History } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { changePath } from '../project/renames.ts';
import { renderChange } from '../project/render-rename.ts';
import { listVersionedNames } from '../project/versions.ts';
import { type ScaffoldedFile, scaffoldRename } from '../scaffold/rename.ts';
import { earlierRenames, renameInAdvance, stateOf } from './earlier-renames.ts';
import { afterExisting, knownVersions, pathOf, sourceOf, type WrittenFile } from './files.ts';

/** What the wizard asks, and the flags answer. */
export interface RenameAnswers {
  readonly table: string;
  /** Each column with its new name: one, or several at the same moment. */
  readonly columns: readonly [NewName, ...NewName[]];
  readonly releases: readonly Release[];
  readonly name?: string | undefined;
}

/** A column, and what it is to be called. */
export interface NewName {
  readonly from: string;
  readonly to: string;
}

interface DraftOptions {
  readonly now: Date;
  readonly rewriteLimit: number;
  /** Keep the application's triggers quiet while the backfill runs. */
  readonly quietTriggers?: boolean;
}

/** Everything that would be written, before anything is. */
export interface RenameDraft {
  /** Of each column. */
  readonly facts: readonly TableFacts[];
  readonly plan: RenamePlan;
  readonly warnings: RenamePlan['warnings'];
  readonly keysOfMore: readonly { readonly name: string; readonly others: readonly string[] }[];
  readonly files: readonly WrittenFile[];
  readonly changes: readonly FileChange[];
}

/**
 * Reads the table, plans all three phases and drafts every file. Nothing is written.
 * @throws PH1007 to PH1010, PH1014, PH2001, PH2002.
 */
export async function draftRename(
  db: LedgerDb,
  history: History,
  answers: RenameAnswers,
  { now, rewriteLimit, quietTriggers = false }: DraftOptions,
): Promise<RenameDraft> {
  const releases = ensureUsableReleases(history, answers.releases);
  const table = await findTable(db, answers.table);
  const earlier = earlierRenames(history, releases[0]);
  let renamed: readonly Rename[] = [];
  const prepare = async () => {
    renamed = await renameInAdvance(db, earlier, `${answers.table}.${answers.columns[0].from}`);
    for (const { from } of answers.columns) await readColumn(db, table.oid, table, from);
    await ensureUsableColumns(db, table, answers.columns);
  };
  const columns = await mapInTurn(answers.columns, async (names) => {
    const others = answers.columns.filter((other) => other !== names).map((other) => ({ ...other, table }));
    return { facts: await readTableFacts(db, table, { ...names, others }, { prepare }), to: names.to };
  });
  const facts = columns.map((column) => column.facts);
  const functions = await mapInTurn(facts, (of) => knownVersions(history.root, of));
  const plan = planRename(columns as [RenamedColumn, ...RenamedColumn[]], {
    releases,
    name: answers.name,
    now: afterExisting(history, now),
    takenFunctions: await listVersionedNames(history.root, 'function'),
    ledgerSchema: db.ledgerSchema,
    functions: new Map(functions.flatMap((known) => [...known])),
    rewriteLimit,
    quietTriggers,
  });
  ensureNewChange(history, plan.rename);
  const parts = [plan.rename, ...plan.parts];
  for (const part of parts) await ensureApart(db, history, part, releases[0]);
  const warnings = [...plan.warnings, ...parts.flatMap((part) => warningsOfAdvance(part, renamed))];
  return { facts, plan, warnings, keysOfMore: keysOfMore(facts), ...(await draftFiles(history, plan, releases)) };
}

/** Unique keys that have other columns as well, which may be to be renamed with these. */
function keysOfMore(facts: readonly TableFacts[]): RenameDraft['keysOfMore'] {
  const renamed = facts.flatMap(({ column }) => [column.name, quoteIdent(column.name)]);
  const keys = facts.flatMap((of) => syncFactsOf(of).keys);
  return firstOfEach(keys, ({ name }) => name).flatMap(({ name, keys: parts }) => {
    const others = parts.filter((part) => !renamed.includes(part));
    return others.length === 0 || others.length === parts.length ? [] : [{ name, others }];
  });
}

/** Texts of functions have the name of today. */
function warningsOfAdvance({ name, table, from }: Rename, renamed: readonly Rename[]): RenamePlan['warnings'] {
  const before = renamed.find((other) => quoteQualified(other.table) === quoteQualified(table) && other.to === from);
  if (before === undefined) return [];
  const message = `The column ${from} is called ${before.from} in this database until ${before.name} has run: functions whose text names it are not looked for. Once it has run, phase new rename-column --refresh ${name} finds them.`;
  return [{ code: 'scaffolded_in_advance', message }];
}

/** Writes a draft: all of its files, or none. */
export async function writeDraft(history: History, draft: Pick<RenameDraft, 'changes'>): Promise<void> {
  await writeFiles(history.root, draft.changes);
}

/** @throws PH1008, PH1009 */
export async function ensureUsableColumns(db: Queryable, table: ListedTable, names: readonly NewName[]): Promise<void> {
  const columns = await listColumns(db, table.oid);
  for (const [at, { from, to }] of names.entries()) {
    if (columns.includes(from)) ensureUsableName(columns, from, to);
    ensureOnce(names.slice(0, at), { from, to });
  }
}

/** @throws PH1009 when an earlier pair has the column, or the name. */
function ensureOnce(before: readonly NewName[], { from, to }: NewName): void {
  const refuse = (reason: string): never => {
    throw new PhaseError('PH1009', { name: to, reason });
  };
  if (before.some((other) => other.from === from)) refuse(`${from} is to be renamed twice.`);
  if (before.some((other) => other.to === to)) refuse('Two columns are to get it.');
}

/** @throws PH1010 when they are not three ascending releases that are still open. */
export function ensureUsableReleases(history: History, releases: readonly Release[]): [Release, Release, Release] {
  const refuse = (reason: string): never => {
    throw new PhaseError('PH1010', { releases, reason });
  };
  const [first, second, third] = releases;
  if (first === undefined || second === undefined || third === undefined || releases.length !== 3) {
    return refuse('Each of the three phases needs a release of its own: three have to be given.');
  }
  if (compareReleases(first, second) === 0 || compareReleases(second, third) === 0)
    return refuse('Two of them are equal.');
  if (compareReleases(first, second) > 0 || compareReleases(second, third) > 0)
    return refuse('They are not in ascending order.');
  const cut = history.manifests.find(({ release, state }) => state === 'released' && releases.includes(release));
  return cut ? refuse(`${cut.release} is cut already.`) : [first, second, third];
}

/** @throws PH1014 */
export function ensureNewChange(history: History, { name }: Pick<Rename, 'name'>): void {
  if (changesOf(history).has(name) || !/^[a-z0-9_]{1,120}$/.test(name))
    throw new PhaseError('PH1014', { rename: name });
}

/**
 * Two renames that share a column or an object have to come one after the other, also in the database that is read:
 * in the middle of the first one things are there that will be gone.
 * @param rename the second one. @throws PH2002
 */
export async function ensureApart(db: LedgerDb, history: History, rename: Change, first: Release): Promise<void> {
  for (const other of changesOf(history).values()) {
    ensureStillThere(history, rename, other, first);
    const shared = exclusiveObject(rename, other);
    const last = releaseOfPhase(history.manifests, wholeOf(other), 3);
    if (shared === null || last === null) continue;
    const refuse = (reason: string, remedy: string): never => {
      throw new PhaseError('PH2002', { rename: rename.name, other: other.name, reason, remedy });
    };
    if (compareReleases(first, last) <= 0) {
      refuse(
        `Both need ${shared}, and ${other.name} ends in release ${last}.`,
        `Begin it in a release after the last one of ${other.name}${asOne(rename, other)}.`,
      );
    }
    if ((await stateOf(db, asPair(other))) === 'under way') {
      refuse(
        `Both need ${shared}, and in this database ${other.name} is in the middle.`,
        `Bring it to its end first: on a database for development, phase migrate --release ${last} --maintenance.`,
      );
    }
  }
}

/** What is on two columns of a table is renamed with both. */
function asOne(rename: Change, other: Change): string {
  const isTogether =
    isRename(rename) &&
    isRename(other) &&
    kindOf(rename) === 'rename' &&
    kindOf(other) === 'rename' &&
    quoteQualified(rename.table) === quoteQualified(other.table);
  if (!isTogether) return '';
  return `; or rename both at the same moment, by one change in the place of ${other.name} as long as that is not released: --map ${other.from}=${other.to} --map ${rename.from}=${rename.to}`;
}

/** A column that an earlier change drops is none for a later one. @throws PH2002 */
function ensureStillThere(history: History, change: Change, other: Change, first: Release): void {
  const last = releaseOfPhase(history.manifests, wholeOf(other), 3);
  if (isRename(other) || last === null || compareReleases(first, last) <= 0) return;
  if (quoteQualified(change.table) !== quoteQualified(other.table)) return;
  const gone = columnsOf(change).old.find((column) => columnsOf(other).old.includes(column));
  if (gone === undefined) return;
  const reason = `${other.name} drops ${gone} in release ${last}, before this one begins.`;
  const remedy = `Change ${freshInWords(other)} instead, once ${other.name} has come to its end on the database that the wizard reads.`;
  throw new PhaseError('PH2002', { rename: change.name, other: other.name, reason, remedy });
}

/** A migration that goes with a change and is none of its steps. */
export interface PlainFile {
  readonly id: string;
  readonly phase: 1 | 2 | 3;
  /** The step that it comes after. */
  readonly after: string;
  readonly content: string;
}

/** The files of a plan, and the manifests that list them. */
export async function draftFiles(
  history: History,
  plan: RenamePlan<Change>,
  releases: readonly [Release, Release, Release],
  more: readonly PlainFile[] = [],
): Promise<{ files: WrittenFile[]; changes: FileChange[] }> {
  const plain = more.map(
    ({ id, phase, content }): ScaffoldedFile => ({ fileName: `${id}.ts`, kind: 'schema', phase, content, step: null }),
  );
  const scaffolded = [...scaffoldRename(plan), ...plain];
  const facts = { path: changePath(plan.rename), content: renderChange(plan.rename, plan.parts) };
  const releaseOf = (phase: 1 | 2 | 3) => releases[phase - 1] ?? releases[2];
  const manifests = await Promise.all(
    ([1, 2, 3] as const).map((phase) => {
      const own = scaffolded.filter((file) => file.phase === phase);
      const bodies = own
        .filter((file) => file.step === null && !plain.includes(file))
        .map((file) => sourceOf(pathOf(file), file.content));
      const besides = more
        .filter((file) => file.phase === phase)
        .map(({ id, after, content }) => ({ id, kind: 'schema' as const, sha256: checksum(content), after: [after] }));
      return changeManifest(history.root, {
        release: releaseOf(phase),
        add: [...own.flatMap((file) => entryOf(plan, file)), ...besides],
        addSources: phase === 1 ? [...bodies, sourceOf(facts.path, facts.content)] : bodies,
      });
    }),
  );
  const files: WrittenFile[] = [
    ...scaffolded.map((file) => ({
      path: pathOf(file),
      release: releaseOf(file.phase),
      phase: file.phase,
      kind: file.kind,
    })),
    { path: facts.path, release: releases[0], phase: 1, kind: kindOf(plan.rename) },
    ...([1, 2, 3] as const).map((phase) => ({
      path: manifestPath(releaseOf(phase)),
      release: releaseOf(phase),
      phase,
      kind: 'manifest' as const,
    })),
  ];
  return {
    files: files.sort((a, b) => a.phase - b.phase),
    changes: [
      ...scaffolded.map((file) => ({ path: pathOf(file), content: file.content, mode: 'create' as const })),
      { ...facts, mode: 'create' },
      ...manifests,
    ],
  };
}

function entryOf({ rename }: RenamePlan<Change>, { step, content }: ScaffoldedFile): ManifestEntry[] {
  if (step === null) return [];
  return [
    {
      id: step.id,
      kind: step.kind,
      sha256: checksum(content),
      rename: rename.name,
      phase: step.phase,
      step: step.step,
      ...(step.after === null ? {} : { after: [step.after] }),
      ...(step.breaks === null ? {} : { breaks: step.breaks }),
    },
  ];
}
