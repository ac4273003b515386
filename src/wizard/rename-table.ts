import { findTable, type ListedTable } from '../catalog/find-table.ts';
import { namesOf, readTwoNames, unseen } from '../catalog/two-names.ts';
import { asPair, changesOf, syncsOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { identifierBytes, MAX_IDENTIFIER_BYTES, quoteQualified, slug } from '../domain/identifier.ts';
import { releaseOfPhase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { wholeOf } from '../domain/rename.ts';
import { type Code, call } from '../objects/code.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';
import { findNotOfViews } from '../usages/not-of-views.ts';
import { stateOf } from './earlier-renames.ts';
import { type OneReleaseDraft, printedSteps } from './one-release.ts';

interface Wishes {
  readonly release: Release;
  /** Whether older releases that are alive need nothing of the table that a view has not. */
  readonly isTolerated: boolean;
}

/**
 * Drafts that a table gets another name. From the release on it goes by that, and a view by the old one, through which older releases read and write; the view goes once
 * none of them is alive.
 * @throws PH1007, PH1009 for a name that cannot be, PH2002 beside changes of its columns, PH2035 for what does not go by two names.
 */
export async function draftRenameTable(
  db: LedgerDb,
  history: History,
  { table: name, to }: { readonly table: string; readonly to: string },
  { release, isTolerated }: Wishes,
): Promise<OneReleaseDraft> {
  const table = await findTable(db, name);
  await ensureFree(db, table, to);
  await ensureUnchanged(db, history, table, release);
  const on = quoteQualified(table);
  const { isUnseen, bound, told } = await readTwoNames(db, table);
  if (isUnseen) throw new PhaseError('PH2035', { table: on, objects: [unseen(on)] });
  if (bound.length > 0 && !isTolerated) throw new PhaseError('PH2035', { table: on, objects: bound, isAsked: true });
  const lines = await findNotOfViews(history, table.name);
  const stem = `${slug(table.name)}_to_${slug(to)}`;
  const step = (title: string, up: Code, down: Code): string => printedSteps(title, [up], [down]);
  return {
    migrations: [
      {
        kind: 'schema',
        name: `${stem}_renamed`,
        extension: 'ts',
        content: step(
          `${on} is called ${to}, and a view of the old name is what older releases go on with.`,
          call('renameTable', { on, to }),
          call('renameTableBack', { on, to }),
        ),
        breaks: false,
      },
      {
        kind: 'schema',
        name: `${stem}_alone`,
        extension: 'ts',
        content: step(
          `The view of the old name ${on} goes.`,
          call('dropOldName', { on, to }),
          call('createOldName', { on, to }),
        ),
        breaks: true,
      },
    ],
    why: [
      `One release: its own code says ${to}. Releases before it go on with ${table.name}, a view by which they read and write with the rights that they have; it goes once none of them is alive.`,
      `Indexes, constraints and sequences keep their names. A view takes no TRUNCATE, COPY ... FROM, ON CONFLICT ON CONSTRAINT, TABLESAMPLE, WHERE CURRENT OF, ctid or xmin, before PostgreSQL 17 no MERGE, and pg_get_serial_sequence knows none of its columns.`,
      linesInWords(lines),
      ...(told.length === 0
        ? []
        : [`Functions of its triggers that are told the name of the table are told the new one: ${told.join(', ')}.`]),
    ].join(' '),
  };
}

function linesInWords(lines: readonly { readonly file: string; readonly line: number }[]): string {
  if (lines.length === 0) return 'No line of the code does any of it to the table.';
  const shown = lines.slice(0, 5).map(({ file, line }) => `${file}:${line}`);
  const more = lines.length > shown.length ? `, and ${lines.length - shown.length} more` : '';
  return `Lines that may do so: ${shown.join(', ')}${more}.`;
}

/** @throws PH1009 */
async function ensureFree(db: LedgerDb, table: ListedTable, to: string): Promise<void> {
  const reason =
    to === ''
      ? 'It is empty.'
      : to === table.name
        ? 'It is the name that the table has.'
        : identifierBytes(to) > MAX_IDENTIFIER_BYTES
          ? `It takes ${identifierBytes(to)} bytes; PostgreSQL keeps ${MAX_IDENTIFIER_BYTES} and silently cuts the rest.`
          : (await namesOf(db, table.schema)).includes(to)
            ? `The schema ${table.schema} has a table, view or type of that name already.`
            : null;
  if (reason !== null) throw new PhaseError('PH1009', { name: to, reason });
}

/** The files of a change name its table: it has to come to its end first. @throws PH2002 */
async function ensureUnchanged(db: LedgerDb, history: History, table: ListedTable, release: Release): Promise<void> {
  for (const change of changesOf(history).values()) {
    if (!syncsOf(change).some((one) => quoteQualified(one.table) === quoteQualified(table))) continue;
    const last = releaseOfPhase(history.manifests, wholeOf(change), 3);
    if (last === null) continue;
    if (compareReleases(release, last) > 0 && (await stateOf(db, asPair(change))) !== 'under way') continue;
    throw new PhaseError('PH2002', {
      rename: `The rename of ${table.name}`,
      other: change.name,
      reason: `${change.name} knows the table by its name, until release ${last}.`,
      remedy: `Rename it in a release after ${last}, on a database where ${change.name} has come to its end.`,
    });
  }
}
