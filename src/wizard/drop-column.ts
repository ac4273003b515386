import { readColumn } from '../catalog/column.ts';
import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { isNotNullDomain } from '../catalog/unmakable.ts';
import { asPair, changesOf, columnsOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { type QualifiedName, quoteQualified, slug } from '../domain/identifier.ts';
import { releaseOfPhase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { wholeOf } from '../domain/rename.ts';
import { type Code, call } from '../objects/code.ts';
import { readDropped } from '../objects/dropping.ts';
import { readTableFacts } from '../objects/table-facts.ts';
import { ensureSyncable } from '../planner/going-columns.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';
import { findUsages } from '../usages/find.ts';
import { type Counting, countingOf } from './counted-writes.ts';
import { stateOf } from './earlier-renames.ts';
import { ensureAnswered, originalOf } from './going-columns.ts';
import { type OneReleaseDraft, printedSteps } from './one-release.ts';

interface Place {
  readonly table: string;
  readonly column: string;
}

interface Wishes {
  readonly release: Release;
  /** Names of what hangs on the column and may go with it. */
  readonly drop: readonly string[];
  /** Whether older releases that are alive use it no more. */
  readonly isTolerated: boolean;
}

/**
 * Drafts that a column goes. From the release on nobody may need it: what would refuse an insert without it goes at once, and writes of it are counted; the column itself
 * goes once no older release is alive, and no write has come for the straggler window.
 * @throws PH1007, PH1008, PH1015, PH2001 for what nobody has answered for, PH2002 beside what else is made of the column.
 */
export async function draftDropColumn(
  db: LedgerDb,
  history: History,
  { table: name, column }: Place,
  { release, drop, isTolerated }: Wishes,
): Promise<OneReleaseDraft> {
  const table = await findTable(db, name);
  const facts = await readColumn(db, table.oid, table, column);
  await ensureUnchanged(db, history, { table, column, release });
  const tableFacts = await readTableFacts(db, table, { from: column, to: `${column.slice(0, 40)}_triphase` });
  ensureSyncable(tableFacts, 'drop', column);
  await ensureIgnorable(db, table, facts);
  const originals = [originalOf(tableFacts, facts.type)];
  const answered = await readDropped(db, { table: table.oid, originals, names: drop, isForGood: true });
  ensureAnswered(table, { kind: 'drop', old: [column] }, answered);
  const on = quoteQualified(table);
  const stem = `${slug(table.name)}_${slug(column)}`;
  const sync = await countingOf(db, history, { schema: table.schema, on, facts }, stem);
  const { objects, drop: goes } = answered.dropped;
  const gone: Code[] = [
    call('ensureUnwritten', { on, column, writes: sync.writes, functionName: sync.function, dropped: objects }),
    call('dropTrigger', sync.trigger, { on, revertToVersion: 1 }),
    call('dropFunction', sync.function, { schema: table.schema, revertToVersion: 1 }),
    ...goes,
    call('dropColumn', { on, column }),
    call('dropStragglers', sync.writes),
  ];
  const usages = (await findUsages(history, { from: column, table })).filter(
    ({ certainty }) => certainty !== 'by_name',
  );
  return {
    migrations: [
      { kind: 'schema', name: `${stem}_ignored`, extension: 'ts', content: ignored(on, facts, sync), breaks: false },
      {
        kind: 'schema',
        name: `${stem}_dropped`,
        extension: 'ts',
        content: printedSteps(`${on}: ${column} goes. What it held goes with it: there is no way back.`, gone, []),
        breaks: !isTolerated,
      },
    ],
    sources: sync.sources,
    why: `One release: its own code neither reads nor writes ${column}, which may be left out from its first migration on. Releases before it may still use it, ${isTolerated ? 'which --tolerated says that they do not' : 'so that it is dropped once none of them is alive'}, and no write of it has come for the straggler window; reads are not seen. ${usagesInWords(usages)}`,
  };
}

function usagesInWords(usages: readonly { readonly file: string; readonly line: number }[]): string {
  if (usages.length === 0) return 'No line of the code names it.';
  const shown = usages.slice(0, 5).map(({ file, line }) => `${file}:${line}`);
  const more = usages.length > shown.length ? `, and ${usages.length - shown.length} more` : '';
  return `Lines that name it still: ${shown.join(', ')}${more}.`;
}

/** @throws PH2001 for a column that no trigger can tell writes of, and one that its type lets nobody leave out. */
async function ensureIgnorable(db: LedgerDb, table: ListedTable, facts: ColumnFacts): Promise<void> {
  const { name, generated, default: standing, domainDefault } = facts;
  const isRequired = standing === null && domainDefault === null && (await isNotNullDomain(db, table.oid, name));
  const objects = [
    ...(generated === null
      ? []
      : [
          {
            object: `generated column ${name}`,
            reason: 'nobody writes it, so that there is nothing to wait for but those who read it',
            instead: 'Drop it by a migration of your own (phase new schema), in a release that breaks those before it.',
          },
        ]),
    ...(isRequired
      ? [
          {
            object: `the type of ${name}, a domain that is NOT NULL`,
            reason: 'an insert that leaves the column out is refused by it',
            instead: 'Give the column a default in an earlier release (phase new set-default).',
          },
        ]
      : []),
  ];
  if (objects.length > 0)
    throw new PhaseError('PH2001', { table: quoteQualified(table), column: name, kind: 'drop', objects });
}

/** No change is made of a column that goes, and none goes that is being changed. @throws PH2002 */
async function ensureUnchanged(
  db: LedgerDb,
  history: History,
  { table, column, release }: { readonly table: QualifiedName; readonly column: string; readonly release: Release },
): Promise<void> {
  for (const change of changesOf(history).values()) {
    const { old, fresh } = columnsOf(change);
    if (quoteQualified(change.table) !== quoteQualified(table) || ![...old, ...fresh].includes(column)) continue;
    const last = releaseOfPhase(history.manifests, wholeOf(change), 3);
    if (last === null) continue;
    const isLater = compareReleases(release, last) > 0;
    if (isLater && (await stateOf(db, asPair(change))) !== 'under way') continue;
    throw new PhaseError('PH2002', {
      rename: `The drop of ${column}`,
      other: change.name,
      reason: `${change.name} makes something else of it, or it of something else, until release ${last}.`,
      remedy: `Drop it in a release after ${last}, on a database where ${change.name} has come to its end.`,
    });
  }
}

/** NOT NULL comes back by a check beside writers. */
const OUTSIDE = '{ downTransaction: false, safeToRepeat: true }';

function ignored(
  on: string,
  { name: column, notNull, default: standing, identity }: ColumnFacts,
  sync: Counting,
): string {
  const isRequired = notNull && standing === null && !identity;
  const up = [
    ...(isRequired ? [call('unsetNotNull', { on, column })] : []),
    call('createStragglers', sync.writes),
    call('createFunction', sync.function, { version: 1 }),
    call('createTrigger', sync.trigger, { version: 1, on }),
  ];
  const down = [
    call('dropTrigger', sync.trigger, { on, revertToVersion: 1 }),
    call('dropFunction', sync.function, { revertToVersion: 1 }),
    call('dropStragglers', sync.writes),
    ...(isRequired ? [call('setNotNull', { on, column })] : []),
  ];
  return printedSteps(
    `${on}: ${column} may be left out from now on, and writes of it are counted.`,
    up,
    down,
    isRequired ? OUTSIDE : '',
  );
}
