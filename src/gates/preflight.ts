import { ensureTrustedCode } from '../catalog/foreign-code.ts';
import { readNameUsers, readRowUsers } from '../catalog/mentions.ts';
import { readOwnColumns } from '../catalog/own-columns.ts';
import { readForeignFunctions, readMissingRights } from '../catalog/rights.ts';
import { ROW_COLUMNS, WITHOUT_IDENTITY } from '../catalog/shape.ts';
import { treeOf } from '../catalog/tree.ts';
import { findUnconvertible } from '../catalog/unconvertible.ts';
import { readWholeRows } from '../catalog/whole-rows.ts';
import { mayQuiet } from '../data/backfill/quiet.ts';
import { ensureNoUpdateRules } from '../data/backfill/rules.ts';
import { countRows } from '../data/count.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { isOfGenerated, type Rename, type StepName } from '../domain/rename.ts';
import { readAcknowledged } from '../ledger/acknowledgements.ts';
import { looking } from '../postgres/looking.ts';
import { sqlQualified } from '../postgres/names.ts';
import { all, type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';

/**
 * Before a step of a rename: what the rows of the table would make it meet, and before the first what a new column would break. What can come after the first step is looked for again. Outside
 * any transaction and without locks.
 * @throws PH2014 rows violate a check that is not valid, PH2015 policies hide rows from the role, PH2016 updates are refused, PH2017 a rule rewrites them,
 * PH2019 something would break with one more column, PH2020 the role may not do what the rename needs, PH2022 the backfill would run code of another role.
 */
export async function checkPreflight(db: LedgerDb, rename: Rename, step: StepName): Promise<void> {
  const table = quoteQualified(rename.table);
  if (step === 'expand') await ensureRights(db, rename);
  await ensureAllVisible(db, table);
  if (step !== 'expand' && step !== 'backfill') return;
  await ensureUpdatable(db, table);
  if (!isOfGenerated(rename)) {
    const isQuiet = await mayQuiet(db);
    await ensureNoUpdateRules(db, table, isQuiet);
    await ensureTrustedCode(db, table, { isQuiet });
  }
  if (step === 'expand') await ensureNothingBreaks(db, rename);
  if (step === 'expand') await ensureConvertible(db, rename);
  const rows: { constraint: string; rows: number }[] = [];
  for (const { on, name, violated } of await uncheckedConstraints(db, table)) {
    const found = await countRows([db], on, violated);
    if (found > 0) rows.push({ constraint: quoteIdent(name), rows: found });
  }
  if (rows.length > 0) throw new PhaseError('PH2014', { rename: rename.name, rows });
}

/** Production has rows that development has not. @throws PH2032 */
async function ensureConvertible(db: LedgerDb, { name, table, from, type, notNull, retype }: Rename): Promise<void> {
  if (retype === null || !retype.forward.mayFail || retype.onError !== undefined) return;
  const { rows, examples } = await looking(db, () =>
    findUnconvertible(db, table, { column: from, from: type, to: retype.type, conversion: retype.forward, notNull }),
  );
  if (rows > 0)
    throw new PhaseError('PH2032', {
      change: name,
      table: quoteQualified(table),
      column: from,
      type: retype.type,
      rows,
      examples,
    });
}

/** The role that migrates is seldom the one that the wizard ran as. @throws PH2020 */
async function ensureRights(db: LedgerDb, { table, from, versions }: Rename): Promise<void> {
  const name = quoteQualified(table);
  const { oid } = await one<{ oid: string | null }>(db, 'SELECT pg_catalog.to_regclass($1)::oid::int8::text AS oid', [
    name,
  ]);
  // A table that is not there is said by the step itself.
  if (oid === null) return;
  const missing = [
    ...(await readMissingRights(db, { table: oid, column: from, drafts: false })),
    ...(await readForeignFunctions(
      db,
      versions.map(({ signature }) => signature),
    )),
  ];
  if (missing.length > 0) throw new PhaseError('PH2020', { table: name, column: from, missing });
}

/** A publication of updates without a replica identity makes PostgreSQL refuse them. */
async function ensureUpdatable(db: Queryable, table: string): Promise<void> {
  const { tables } = await one<{ tables: string[] }>(
    db,
    `${treeOf('to_regclass($1)::oid')}
     SELECT ${WITHOUT_IDENTITY} AS tables`,
    [table],
  );
  if (tables.length > 0) throw new PhaseError('PH2016', { tables });
}

/** @throws PH2019 */
async function ensureNothingBreaks(db: LedgerDb, rename: Rename): Promise<void> {
  const objects = await unacknowledgedBreaks(db, rename);
  if (objects.length > 0) throw new PhaseError('PH2019', { rename: rename.name, objects });
}

/** What `brokenByColumn` finds and nobody has looked at. */
export async function unacknowledgedBreaks(db: LedgerDb, rename: Rename): Promise<string[]> {
  const acknowledged = await readAcknowledged(db, rename.name);
  return (await brokenByColumn(db, rename)).filter((object) => !acknowledged.has(object));
}

/**
 * What breaks, or does something else, with one more column, in words: it puts whole rows of the table where columns go by their position, or
 * uses the new name for something else. Production may have such a function where development has none.
 */
export async function brokenByColumn(
  db: Queryable,
  { table, from, to }: Pick<Rename, 'table' | 'from' | 'to'>,
): Promise<string[]> {
  const { columns, rowColumns, oid } = await one<{ columns: string[]; rowColumns: string[]; oid: string | null }>(
    db,
    `${treeOf('to_regclass($1)::oid')}
     SELECT ${ROW_COLUMNS} AS "rowColumns", to_regclass($1)::oid::int8::text AS oid,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns`,
    [quoteQualified(table)],
  );
  if (oid === null) return [];
  const named = { ...table, oid: Number(oid) };
  const users = (await readRowUsers(db, named, { from, to })).filter(({ uses }) => uses.length > 0);
  const nameUsers = columns.includes(to) ? [] : await readNameUsers(db, named, to);
  return [
    ...users.map(({ signature, uses }) => `function ${signature}: ${uses.join(', and ')}`),
    ...nameUsers.map((signature) => `function ${signature}: it names ${quoteIdent(to)} alone in a query of the table`),
    ...rowColumns.map((column) => `column ${column}, which holds rows of the table`),
    ...(await readWholeRows(db, named)).map(({ object, reason }) => `${object}: ${reason}`),
    ...(await readOwnColumns(db, Number(oid), from, to)).map(({ object, reason }) => `${object}: ${reason}`),
  ];
}

/** With row_security off PostgreSQL fails instead of hiding rows; asked here, so that it is said in words. */
async function ensureAllVisible(db: Queryable, table: string): Promise<void> {
  const { active } = await one<{ active: boolean | null }>(
    db,
    `${treeOf('to_regclass($1)::oid')} SELECT bool_or(pg_catalog.row_security_active(tree.oid)) AS active FROM tree`,
    [table],
  );
  if (active === true) throw new PhaseError('PH2015', { table });
}

/** Conditions that are true for rows which an update of any column would make PostgreSQL refuse. */
function uncheckedConstraints(db: Queryable, table: string): Promise<{ on: string; name: string; violated: string }[]> {
  return all(
    db,
    `${treeOf('to_regclass($1)::oid')}
     SELECT ${sqlQualified('n', 'c')} AS on, conname AS name, CASE contype WHEN 'c' THEN '(' || pg_get_expr(conbin, conrelid) || ') IS FALSE'
       ELSE (SELECT quote_ident(attname) || ' IS NULL' FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) END AS violated
     FROM tree JOIN pg_constraint co ON co.conrelid = tree.oid AND co.coninhcount = 0 JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE contype IN ('c', 'n') AND NOT convalidated AND coalesce((to_jsonb(co) ->> 'conenforced')::boolean, true)
     ORDER BY conname`,
    [table],
  );
}
