import type { ColumnFacts, GuardedKey } from '../../domain/facts.ts';
import { firstOfEach } from '../../domain/group.ts';
import { type QualifiedName, quoteIdent, quoteLiteral, quoteQualified, shortHash } from '../../domain/identifier.ts';
import { differs, differsAtAnySize, eitherOf, isOfGenerated, type Rename } from '../../domain/rename.ts';
import { stragglerCounter } from '../../domain/straggler-counter.ts';
import { byKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/**
 * Which of the sync's triggers: the one that sorts before the application's, that of the same function for rows which a statement only moves,
 * and the one that sorts after the application's.
 */
export type SyncPlace = 'first' | 'moved' | 'last';

/** What the sync has to know of a table. */
export interface SyncFacts {
  readonly table: QualifiedName;
  readonly column: Pick<ColumnFacts, 'default' | 'domainDefault' | 'toastable'>;
  /** Unique indexes on the column that are checked at once. */
  readonly keys: readonly GuardedKey[];
}

export function syncFactsOf({ table, column, objects }: TableFacts): SyncFacts {
  const keys = byKind(objects).flatMap(({ kind, objects: ofKind }) =>
    kind.carried === 'twin' ? ofKind.flatMap((object) => kind.guard?.(object) ?? []) : [],
  );
  return { table, column, keys };
}

/** The places that a rename has triggers for. */
export function syncPlaces(rename: Pick<Rename, 'sync'>, phase: 1 | 2): SyncPlace[] {
  const { sync } = rename;
  return [
    ...(isOfGenerated(rename) ? [] : ['first' as const]),
    ...(sync.moved?.[phase - 1] ? ['moved' as const] : []),
    ...(sync.last === null ? [] : ['last' as const]),
  ];
}

/** What the trigger of a place is called, and the function that it runs; not qualified, not quoted. */
export function namesAt(
  { sync }: Pick<Rename, 'sync'>,
  place: SyncPlace,
  phase: 1 | 2,
): { readonly functionName: string; readonly triggerName: string } {
  const names = place === 'last' ? (sync.last ?? sync) : sync;
  const triggers = place === 'moved' ? (sync.moved ?? sync.triggers) : names.triggers;
  return { functionName: names.functions[phase - 1] ?? '', triggerName: triggers[phase - 1] ?? '' };
}

/** What the templates of the sync's functions and triggers are filled with. Every field is SQL or a plain fact. */
export interface SyncView {
  readonly rename: string;
  readonly phase: 1 | 2;
  readonly functionName: string;
  readonly triggerName: string;
  readonly table: string;
  readonly columns: readonly ColumnView[];
  readonly several: boolean;
  /** Keys of contended inserts, each NULL where the row cannot conflict. */
  readonly guards: readonly string[];
  /** Statement that counts a write to an old column; empty in phase 1. */
  readonly straggler: string;
  /** Whether the function notes such a write, of whichever column, and counts it once. */
  readonly counts: boolean;
  readonly declares: boolean;
  /** Whether its functions run with the rights of their owner, and then on this table alone. */
  readonly runsAsOwner: boolean;
  readonly tableLiteral: string;
  readonly when: string;
  /** `INSERT OR UPDATE`, with the columns where a statement has to write one of them. */
  readonly events: string;
  /** Whether rows that a statement only moves have a trigger of their own. */
  readonly separate: boolean;
  /** The trigger's argument, which tells the function that the row is only moved; else empty. */
  readonly argument: string;
}

/** The same of an old column and its new one. */
interface ColumnView {
  readonly phase: 1 | 2;
  /** `NEW."old"`, `NEW."new"`. */
  readonly old: string;
  readonly new: string;
  readonly defaultClass: Rename['default'];
  readonly differ: string;
  /** Whether the function asks itself whether they differ: its trigger fires for rows in which they do not. */
  readonly asks: boolean;
  readonly oldIsNull: string;
  readonly newIsNull: string;
  readonly oldChanged: string;
  readonly newChanged: string;
  /** Whether each side differs from the constant default; empty without one. */
  readonly oldGiven: string;
  readonly newGiven: string;
  /** What is done about a write to the old column; empty in phase 1. */
  readonly straggler: string;
  /** Where the first trigger leaves the value for the last one; empty when there is no last one. */
  readonly state: string;
  /** True where a row that is only moved may need the sync. */
  readonly movedDiffer: string;
}

/** The default that a column gets on INSERT: its own, or that of the domain that it is of. */
export function standingDefault({
  default: own,
  domainDefault,
}: Pick<ColumnFacts, 'default' | 'domainDefault'>): ColumnFacts['default'] {
  return own ?? domainDefault;
}

/** A column that a sync keeps in step with its new one, with what has to be known of it. */
export interface SyncMember {
  readonly facts: SyncFacts;
  readonly rename: Rename;
}

/** All columns of a sync; what is of the table, and its names, are those of the first. */
export type SyncMembers = readonly [SyncMember, ...SyncMember[]];

/** The view of the sync's first function and trigger, or of the last ones. */
export function syncView(members: SyncMembers, phase: 1 | 2, place: SyncPlace): SyncView {
  const [{ rename }] = members;
  const { sync, table } = rename;
  const { functionName, triggerName } = namesAt(rename, place, phase);
  // Where the application's own triggers may still change the key, the last function guards it.
  const guardsHere = (sync.last === null) === (place !== 'last');
  // What the first function leaves for the last one has to be told of every row.
  const always = place !== 'last' && sync.last !== null;
  const several = members.length > 1;
  const count = phase === 1 ? '' : stragglerCounter(sync.stragglers).count;
  const columns = members.map((member) =>
    columnView(member, phase, { asks: always || several, straggler: several && count ? 'straggling := true;' : count }),
  );
  const guards = guardsHere ? guardsOf(members) : [];
  const counts = several && count !== '' && place !== 'last';
  return {
    rename: rename.name,
    phase,
    functionName: quoteQualified({ schema: table.schema, name: functionName }),
    triggerName: quoteIdent(triggerName),
    table: quoteQualified(table),
    columns,
    several,
    guards,
    straggler: count,
    counts,
    declares: guards.length > 0 || counts,
    runsAsOwner: members.some((member) => runsAsOwner(member.facts, member.rename)),
    tableLiteral: quoteLiteral(quoteQualified(table)),
    when: always ? '' : eitherOf(columns.map(({ movedDiffer, differ }) => (place === 'moved' ? movedDiffer : differ))),
    events: eventsOf(members, place),
    separate: sync.moved !== null,
    argument: place === 'moved' && always ? "'moved'" : '',
  };
}

/** @param asks whether the function asks whether the columns differ; @param straggler what it does about a write to the old one. */
function columnView(
  { facts, rename }: SyncMember,
  phase: 1 | 2,
  { asks, straggler }: Pick<ColumnView, 'asks' | 'straggler'>,
): ColumnView {
  const [old, fresh] = [`NEW.${quoteIdent(rename.from)}`, `NEW.${quoteIdent(rename.to)}`];
  const differ = (a: string, b: string) => differs(a, b, rename.byteEqual);
  const standing = standingSql(facts.column, rename);
  return {
    phase,
    old,
    new: fresh,
    defaultClass: rename.default,
    differ: differ(old, fresh),
    asks,
    oldIsNull: isNull(old, rename),
    newIsNull: isNull(fresh, rename),
    oldChanged: differ(old, `OLD.${quoteIdent(rename.from)}`),
    newChanged: differ(fresh, `OLD.${quoteIdent(rename.to)}`),
    oldGiven: differ(old, standing),
    newGiven: differ(fresh, standing),
    straggler,
    state: rename.sync.last === null ? '' : quoteLiteral(`triphase.s_${shortHash(rename.name)}_`),
    movedDiffer: facts.column.toastable ? differsAtAnySize(old, fresh, rename.byteEqual) : differ(old, fresh),
  };
}

function eventsOf(members: SyncMembers, place: SyncPlace): string {
  if (place === 'moved') return 'UPDATE';
  const [{ rename }] = members;
  const isForWritten = place === 'first' && rename.sync.moved !== null;
  const written = members.flatMap(({ rename: { from, to } }) => [quoteIdent(from), quoteIdent(to)]);
  return `INSERT OR UPDATE${isForWritten ? ` OF ${written.join(', ')}` : ''}`;
}

/** An index on several of the columns is guarded once. */
function guardsOf(members: SyncMembers): string[] {
  const keys = members.flatMap(({ facts }) => facts.keys.map((key) => ({ key, facts })));
  return firstOfEach(keys, ({ key }) => key.name).map(({ key, facts }) => guardKey(facts, key));
}

/** `IS NULL` is also true for a row value whose fields are all NULL, which is a value like any other. */
function isNull(value: string, { byteEqual }: Rename): string {
  return byteEqual ? `${value} IS NULL` : `${value} IS NOT DISTINCT FROM NULL`;
}

/**
 * A number for what a unique index would call the same key: the hash that the types' own hash functions give, so that
 * equal values of citext or numeric fall together; text where a type has none.
 */
export function guardKey(
  { table }: Pick<SyncFacts, 'table'>,
  { name, keys, hashable, predicate, nullsNotDistinct }: GuardedKey,
): string {
  const seed = Number.parseInt(shortHash(`${quoteQualified(table)} ${name}`), 16);
  const row = `ROW(${keys.join(', ')})`;
  const hash = hashable
    ? `pg_catalog.hash_record_extended(${row}, ${seed})`
    : `pg_catalog.hashtextextended(${row}::text, ${seed})`;
  const conditions = [
    ...(nullsNotDistinct ? [] : keys.map((key) => `(${key}) IS NOT NULL`)),
    ...(predicate === null ? [] : [`(${predicate})`]),
  ];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `(SELECT ${hash} FROM (SELECT NEW.*) AS written${where})`;
}

/**
 * Whether the functions of the sync have to run as their owner: a writer need not be allowed to use the schemas of what they name, such as a function in a
 * unique index, which PostgreSQL looks up for whoever runs it. All others run as whoever writes.
 */
export function runsAsOwner({ table, column, keys }: OwnedFacts, rename: Rename): boolean {
  const standing = rename.default === 'constant' ? [standingSql(column, rename)] : [];
  const guards = keys.flatMap((key) => [...key.keys, key.predicate ?? '']);
  return [...standing, ...guards].some((sql) => namesOutside(sql, table.name));
}

type OwnedFacts = Pick<SyncFacts, 'table' | 'keys'> & {
  readonly column: Pick<SyncFacts['column'], 'default' | 'domainDefault'>;
};

function standingSql(column: OwnedFacts['column'], { type }: Rename): string {
  const given = standingDefault(column);
  return given === null ? '' : `CAST(${given.expression} AS ${type})`;
}

const LITERAL = /'(?:[^']|'')*'/g;
const QUALIFIED = /("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)\s*\.\s*(?=["\p{L}_])/gu;

/** Whether SQL as PostgreSQL prints it under a search path of pg_catalog alone names anything elsewhere. */
function namesOutside(sql: string, table: string): boolean {
  const names = [...sql.replace(LITERAL, "''").matchAll(QUALIFIED)].map(([, name]) => name);
  return names.some((name) => name !== 'pg_catalog' && name !== table && name !== quoteIdent(table));
}
