import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FormerTool } from '../domain/former-ledger.ts';
import type { Manifest } from '../domain/manifest.ts';
import { type Ledger, readLedger } from '../ledger/ledger.ts';
import type { LedgerRow } from '../ledger/migrations.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { formerLedgerOf } from '../project/database.ts';
import type { History } from '../project/history.ts';

/**
 * Reads what the ledger has of a project.
 * @param asks the session only asks what is applied.
 * @throws as `readLedger` does, and PH3029.
 */
export async function readOwnLedger(
  db: LedgerDb,
  project: Project,
  { manifests }: History,
  { asks = false } = {},
): Promise<Ledger> {
  const own = manifests.flatMap(({ migrations, replaces = [], earlier = [] }) => [
    ...migrations.map(({ id }) => id),
    ...replaces,
    ...earlier.flatMap((baseline) => baseline.replaces),
  ]);
  const ledger = await readLedger(db, { former: () => formerLedgerOf(project), own, asks });
  const isFirstRun = ledger.rows.every(({ sha256 }) => sha256 === null);
  const former = isFirstRun ? (await formerLedgerOf(project)).tool : null;
  return { ...ledger, rows: manifests.reduce((rows, manifest) => withReplaced(rows, manifest, former), ledger.rows) };
}

/** @param former the tool that all rows come from; null for rows of the ledger. @throws PH3029 */
function withReplaced(
  rows: readonly LedgerRow[],
  { release, migrations, replaces = [], earlier = [] }: Manifest,
  former: FormerTool | null,
): readonly LedgerRow[] {
  const found = earlier.reduce((known, { ids, replaces: ran }) => {
    const inPlace = ids.map((id) => ({ id, kind: 'schema' as const, sha256: null }));
    return inPlaceOf(known, { release, replaces: ran, baseline: inPlace, former, ranBy: former });
  }, rows);
  // What was squashed on top of that ran by phase.
  const ranBy = earlier.length === 0 ? former : null;
  return inPlaceOf(found, { release, replaces, baseline: migrations, former, ranBy });
}

interface InPlace {
  readonly release: Manifest['release'];
  readonly replaces: readonly string[];
  readonly baseline: readonly Pick<LedgerRow, 'id' | 'kind' | 'sha256'>[];
  readonly former: FormerTool | null;
  /** The tool that has run what is replaced; null for phase. */
  readonly ranBy: FormerTool | null;
}

/**
 * A database that has all migrations that a baseline replaces has what stands in their place.
 * @throws PH3029 for one that has some of them.
 */
function inPlaceOf(
  rows: readonly LedgerRow[],
  { release, replaces, baseline, former, ranBy }: InPlace,
): readonly LedgerRow[] {
  const replaced = new Set(replaces);
  const ran = rows.filter(({ id }) => replaced.has(id));
  const last = ran.at(-1);
  if (last === undefined) return rows;
  const done = new Set(ran.filter(({ state }) => state === 'applied').map(({ id }) => id));
  const missing = replaces.filter((id) => !done.has(id));
  if (missing.length > 0) throw new PhaseError('PH3029', { release, ids: missing, former: ranBy });
  const inPlace = baseline.map(({ id, kind, sha256 }): LedgerRow => {
    const nothing = { rename: null, phase: null, step: null, breaks: null, manifestSum: null };
    // What the former tool has run is entered by the next run.
    return { ...last, ...nothing, id, kind, sha256: former === null ? sha256 : null, release };
  });
  return [...inPlace, ...rows.filter(({ id }) => !replaced.has(id))];
}
