import { TREE } from '../catalog/tree.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { isTwinned, type Rename, syncTriggers, type TwinnedObject } from '../domain/rename.ts';
import { twinName } from '../domain/twin-name.ts';
import { sqlQualified, sqlQuoted } from '../postgres/names.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/**
 * The sync is in place on the table and on each of its partitions, and everything that phase 1 builds is there, valid and
 * validated.
 * @throws PH2007 naming what is missing.
 */
export async function ensureComplete(db: Queryable, rename: Rename, table: number, place: 0 | 1): Promise<void> {
  const triggers = syncTriggers(rename.sync, place === 0 ? 1 : 2);
  const on = quoteQualified(rename.table);
  // What a refresh has added is built in phase 3.
  const twins = [...rename.carried, ...(place === 0 ? [] : rename.refreshed)].filter(isTwinned);
  const present = new Set((await all<{ object: string }>(db, PRESENT, [table])).map(({ object }) => object));
  const missing = [
    ...(await missingTriggers(db, table, triggers)),
    ...twins.flatMap((object) => missingTwin(object, on, present)),
    ...(await missingKeyTwins(db, rename, table)),
    ...(present.has(`not null ${on} ${rename.from}`) && !present.has(`not null ${on} ${rename.to}`)
      ? [`NOT NULL of ${quoteIdent(rename.to)}`]
      : []),
  ];
  if (missing.length > 0) throw new PhaseError('PH2007', { rename: rename.name, missing });
}

/** Every index, constraint and statistics object of the tables that a rename concerns, as a line of text. */
const PRESENT = `
  ${TREE},
  tables AS (SELECT oid FROM tree UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT oid FROM tree)),
  named AS (SELECT c.oid, ${sqlQualified('n', 'c')} AS name
    FROM tables JOIN pg_class c ON c.oid = tables.oid JOIN pg_namespace n ON n.oid = c.relnamespace)
  SELECT 'index ' || named.name || ' ' || c.relname AS object FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN named ON named.oid = i.indrelid
    WHERE i.indisvalid AND i.indisready
  UNION ALL SELECT 'index of any state ' || named.name || ' ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN named ON named.oid = i.indrelid
  UNION ALL SELECT 'statistics ' || ${sqlQuoted('n.nspname')} || ' ' || s.stxname FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxrelid IN (SELECT oid FROM tree)
  UNION ALL SELECT 'constraint ' || named.name || ' ' || conname FROM pg_constraint JOIN named ON named.oid = conrelid WHERE convalidated
  UNION ALL SELECT 'constraint of any state ' || named.name || ' ' || conname FROM pg_constraint JOIN named ON named.oid = conrelid
  UNION ALL SELECT 'not null ' || named.name || ' ' || attname FROM pg_attribute JOIN named ON named.oid = attrelid WHERE attnotnull`;

function missingTwin(
  { kind, name, twin, on, state }: TwinnedObject,
  table: string,
  present: ReadonlySet<string>,
): string[] {
  if (kind === 'primary key') return [];
  // What is gone from the old column somebody has dropped, or phase 2 for its foreign keys: it does not come back.
  if (!hasOriginal(kind, on ?? table, name, present)) return [];
  const kindNow = kind === 'index' || kind === 'statistics' ? kind : 'constraint';
  // Where the original is not valid for every row, or not enforced, its twin need not be. Foreign keys of the old column are gone from phase 2 on.
  const isValid =
    kindNow !== 'constraint' ||
    (kind === 'foreign key' ? state === undefined : present.has(`constraint ${on ?? table} ${name}`));
  const wanted = isValid ? kindNow : 'constraint of any state';
  return present.has(`${wanted} ${on ?? table} ${twin}`) ? [] : [`${kindNow} ${quoteIdent(twin)}`];
}

function hasOriginal(kind: TwinnedObject['kind'], on: string, name: string, present: ReadonlySet<string>): boolean {
  const what =
    kind === 'statistics' ? 'statistics' : kind === 'index' ? 'index of any state' : 'constraint of any state';
  return present.has(`${what} ${on} ${name}`);
}

/** A row trigger of a partitioned table is one on each partition, and each may be disabled by itself. */
async function missingTriggers(db: Queryable, table: number, names: readonly string[]): Promise<string[]> {
  const rows = await all<{ trigger: string; table: string; root: boolean }>(
    db,
    `${TREE}
     SELECT wanted.name AS trigger, tree.oid::regclass::text AS table, tree.oid = $1::oid AS root
     FROM tree CROSS JOIN unnest($2::text[]) AS wanted(name)
     WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = tree.oid AND t.tgname = wanted.name AND t.tgenabled IN ('O', 'A'))
     ORDER BY 1, 2`,
    [table, names],
  );
  return rows.map(
    ({ trigger, table: partition, root }) => `trigger ${quoteIdent(trigger)}${root ? '' : ` on ${partition}`}`,
  );
}

/** A primary key is made from unique indexes in phase 3: the table's, or one on each leaf. Children by plain inheritance have keys of their own. */
async function missingKeyTwins(db: Queryable, { carried, table: named }: Rename, table: number): Promise<string[]> {
  const root = quoteQualified(named);
  const keys = carried.filter(isTwinned).filter(({ kind }) => kind === 'primary key');
  if (keys.length === 0) return [];
  const rows = await all<{ on: string; printed: string; key: string | null; isLeaf: boolean; indexes: string[] }>(
    db,
    `${TREE}
     SELECT ${sqlQualified('n', 'c')} AS on, c.oid::regclass::text AS printed, c.relispartition AS "isLeaf",
       (SELECT conname FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p') AS key,
       ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indisready) AS indexes
     FROM tree JOIN pg_class c ON c.oid = tree.oid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [table],
  );
  return rows.flatMap(({ on, printed, key, isLeaf, indexes }) => {
    const own = keys.find((one) => (one.on ?? root) === on);
    const leafOf = isLeaf ? keys.find((one) => (one.on ?? root) === root) : undefined;
    const wanted = own?.twin ?? (leafOf === undefined ? null : twinName(key ?? leafOf.name));
    if (wanted === null || indexes.includes(wanted)) return [];
    return [`index ${quoteIdent(wanted)}${on === root ? '' : ` on ${printed}`}`];
  });
}
