import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest } from '../domain/manifest.ts';
import { type Ledger, readLedger } from '../ledger/ledger.ts';
import type { LedgerRow } from '../ledger/migrations.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { knexTableOf } from '../project/database.ts';
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
  const ledger = await readLedger(db, { knexTable: () => knexTableOf(project), own, asks });
  return { ...ledger, rows: manifests.reduce(withReplaced, ledger.rows) };
}

/** @throws PH3029 */
function withReplaced(
  rows: readonly LedgerRow[],
  { release, migrations, replaces = [], earlier = [] }: Manifest,
): readonly LedgerRow[] {
  const found = earlier.reduce(
    (known, baseline) =>
      inPlaceOf(
        known,
        release,
        baseline.replaces,
        baseline.ids.map((id) => ({ id, kind: 'schema', sha256: null })),
      ),
    rows,
  );
  return inPlaceOf(found, release, replaces, migrations);
}

/**
 * A database that has all migrations that a baseline replaces has what stands in their place.
 * @throws PH3029 for one that has some of them.
 */
function inPlaceOf(
  rows: readonly LedgerRow[],
  release: Manifest['release'],
  replaces: readonly string[],
  baseline: readonly Pick<LedgerRow, 'id' | 'kind' | 'sha256'>[],
): readonly LedgerRow[] {
  const replaced = new Set(replaces);
  const ran = rows.filter(({ id }) => replaced.has(id));
  const last = ran.at(-1);
  if (last === undefined) return rows;
  const done = new Set(ran.filter(({ state }) => state === 'applied').map(({ id }) => id));
  const missing = replaces.filter((id) => !done.has(id));
  if (missing.length > 0) throw new PhaseError('PH3029', { release, ids: missing });
  const inPlace = baseline.map(({ id, kind, sha256 }): LedgerRow => {
    const nothing = { rename: null, phase: null, step: null, breaks: null, manifestSum: null };
    return { ...last, ...nothing, id, kind, sha256, release };
  });
  return [...inPlace, ...rows.filter(({ id }) => !replaced.has(id))];
}
