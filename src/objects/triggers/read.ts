import { after, printedTable } from '../../catalog/scratch.ts';
import type { TreeMember } from '../../catalog/tree.ts';
import { argumentsOf, assignsRow, triggerMentions } from '../../catalog/trigger-sources.ts';
import { SCRATCH_ASIDE, type TriggerFacts } from '../../domain/facts.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { withEventTriggers } from '../../postgres/session.ts';
import type { ColumnNames, Scratching } from '../sources.ts';

interface TriggerRow {
  name: string;
  quoted: string;
  definition: string;
  table_name: string;
  function: string;
  type: number;
  is_constraint: boolean;
  column_numbers: number[];
  column_names: string[];
  source: string;
  language: string;
  arguments: string;
  depends: boolean;
  fresh: string;
}

const TRIGGERS = `
  SELECT t.tgname AS name, quote_ident(t.tgname) AS quoted, pg_get_triggerdef(t.oid, false) AS definition,
    ${printedTable('n', 'c')} AS table_name,
    p.oid::regproc::text AS function, t.tgtype::int AS type, t.tgconstraint <> 0 AS is_constraint,
    ARRAY(SELECT k.number::int FROM unnest(t.tgattr::int2[]) WITH ORDINALITY AS k(number, place) ORDER BY k.place) AS column_numbers,
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(t.tgattr::int2[]) WITH ORDINALITY AS k(number, place)
      JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.number ORDER BY k.place) AS column_names,
    p.prosrc AS source, l.lanname AS language, encode(t.tgargs, 'hex') AS arguments,
    quote_ident($3) AS fresh,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid AND d.refobjsubid = $2) AS depends
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN pg_language l ON l.oid = p.prolang
  WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND t.tgparentid = 0
  ORDER BY t.tgname`;

/** Bits of pg_trigger.tgtype. Source: https://www.postgresql.org/docs/current/catalog-pg-trigger.html and its header. */
const bit = { row: 1, before: 2, insert: 4, delete: 8, update: 16, truncate: 32, instead: 64 } as const;

export interface FoundTrigger {
  readonly facts: TriggerFacts;
  readonly understood: boolean;
}

/** Puts those triggers that name the column on the scratch table, before the column is renamed there. */
export async function copyTriggers({ db, member, scratch, names }: Scratching): Promise<void> {
  for (const row of await triggersOf(db, member.oid, member.column, names.to)) {
    const tail = after(row.definition, head(row, row.table_name, row.column_names));
    if (!row.depends || tail === null) continue;
    await withEventTriggers(db, () => db.query(head(row, scratch.name, row.column_names) + tail));
  }
}

/** The application's triggers on a table; those whose column list or WHEN names the column in the forms they need. */
export async function readTriggers({ db, member, scratch, names }: Scratching): Promise<FoundTrigger[]> {
  const { from, to } = names;
  const copied = await triggersOf(db, scratch.oid, member.column, to);
  const copies = new Map(copied.map((row) => [row.name, row]));
  const rows = await triggersOf(db, member.oid, member.column, to);
  const renamed: Renamed = [{ from, to }, ...(names.others ?? [])];
  return Promise.all(rows.map((row) => foundTrigger(member, row, renamed, copies.get(row.name))));
}

function triggersOf(db: Queryable, table: number, column: number, to: string): Promise<TriggerRow[]> {
  return all<TriggerRow>(db, TRIGGERS, [table, column, to]);
}

async function foundTrigger(
  { schema, name: table, column }: TreeMember,
  row: TriggerRow,
  renamed: Renamed,
  copy: TriggerRow | undefined,
): Promise<FoundTrigger> {
  const [{ from }] = renamed;
  const givesName = argumentsOf(row).includes(from);
  const rebound = (row.depends && copy) || givesName ? rebind(row, column, copy ?? row, renamed) : null;
  return {
    facts: {
      on: { schema, name: table },
      name: row.name,
      before: (row.type & bit.before) !== 0,
      row: (row.type & bit.row) !== 0,
      insertOrUpdate: (row.type & (bit.insert | bit.update)) !== 0,
      mentionsColumn: await triggerMentions(row, from),
      assignsRow: await assignsRow(row),
      function: row.function,
      givesName,
      rebound,
    },
    understood: !(row.depends || givesName) || rebound !== null,
  };
}

/** The column, and those of its table that are renamed with it, with their new names. */
type Renamed = readonly [NewName, ...NewName[]];
type NewName = Pick<ColumnNames, 'from' | 'to'>;

/** Its forms: as it is; firing for both columns, and told of the new one; and as a plain RENAME COLUMN would leave it. */
function rebind(row: TriggerRow, number: number, copy: TriggerRow, renamed: Renamed): TriggerFacts['rebound'] {
  const tail = after(row.definition, head(row, row.table_name, row.column_names));
  const copied = after(copy.definition, head(copy, copy.table_name, copy.column_names));
  const switchedTail = tail === null ? null : withNewNames(tail, row, renamed);
  const newTail = copied === null ? null : withNewNames(copied, row, renamed);
  const [, ...beside] = renamed;
  if (tail === null || switchedTail === null || newTail === null) return null;
  const both = row.column_names.flatMap((name, place) => {
    if (row.column_numbers[place] === number) return [name, row.fresh];
    const other = beside.find(({ from }) => name === from || name === quoteIdent(from));
    return other === undefined ? [name] : [name, quoteIdent(other.to)];
  });
  // One that fires for both columns already, since the second phase has made it so, fires for one of them in the end.
  const last = copy.column_names.filter((name) => !name.startsWith(`"${SCRATCH_ASIDE}`));
  return {
    original: row.definition,
    during: head(row, row.table_name, [...new Set(both)]) + tail,
    switched: head(row, row.table_name, [...new Set(both)]) + switchedTail,
    after: head(row, row.table_name, last) + newTail,
  };
}

/** Its arguments stand last, as PostgreSQL prints them; null when they do not. */
function withNewNames(tail: string, row: TriggerRow, renamed: Renamed): string | null {
  const given = argumentsOf(row);
  const freshOf = new Map(renamed.map(({ from, to }) => [from, to]));
  if (!given.some((name) => freshOf.has(name))) return tail;
  const ending = (names: readonly string[]): string =>
    `(${names.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')})`;
  const printed = ending(given);
  if (!tail.endsWith(printed)) return null;
  return tail.slice(0, -printed.length) + ending(given.map((name) => freshOf.get(name) ?? name));
}

/** The beginning of a trigger's definition up to its table, as pg_get_triggerdef prints it. */
function head({ quoted, type, is_constraint }: TriggerRow, table: string, columns: readonly string[]): string {
  const moment = type & bit.before ? 'BEFORE' : type & bit.instead ? 'INSTEAD OF' : 'AFTER';
  const list = columns.length === 0 ? '' : ` OF ${columns.join(', ')}`;
  const events = [
    ...(type & bit.insert ? ['INSERT'] : []),
    ...(type & bit.delete ? ['DELETE'] : []),
    ...(type & bit.update ? [`UPDATE${list}`] : []),
    ...(type & bit.truncate ? ['TRUNCATE'] : []),
  ].join(' OR ');
  return `CREATE ${is_constraint ? 'CONSTRAINT ' : ''}TRIGGER ${quoted} ${moment} ${events} ON ${table} `;
}
