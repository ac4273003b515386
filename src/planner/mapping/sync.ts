import { quoteIdent, quoteLiteral, quoteQualified, shortHash } from '../../domain/identifier.ts';
import {
  castType,
  follows,
  hasWayBack,
  isEmpty,
  isUnmapped,
  type MappedColumn,
  type Mapping,
  mapped,
  mayFail,
  namesOf,
} from '../../domain/mapping.ts';
import { differs } from '../../domain/rename.ts';
import { stragglerCounter } from '../../domain/straggler-counter.ts';
import type { PlannedBody } from '../rename/plan.ts';
import { namesAt, type SyncPlace, syncPlaces } from '../rename/sync.ts';

/** What the templates of a mapping's functions and triggers are filled with. Every field is SQL or a plain fact. */
export interface MappingView {
  readonly change: string;
  readonly kind: Mapping['kind'];
  readonly phase: 1 | 2;
  readonly functionName: string;
  readonly triggerName: string;
  readonly table: string;
  /** In words. */
  readonly oldNames: string;
  readonly newNames: string;
  /** Statements that give one side what its maps make of the other. */
  readonly forward: readonly string[];
  readonly back: readonly string[];
  /** Where nothing leads back, `back` is for a row whose new columns are emptied. */
  readonly hasBack: boolean;
  readonly forwardMayFail: boolean;
  readonly backMayFail: boolean;
  /** Where an error of a map begins: which change it is of. */
  readonly forwardFailure: string;
  readonly backFailure: string;
  readonly oldGiven: string;
  readonly newGiven: string;
  readonly oldChanged: string;
  readonly newChanged: string;
  /** True where a side is what its map makes of the other one. */
  readonly newFollows: string;
  readonly oldFollows: string;
  /** Statements that fill a column of a row that was not filled yet, and whether the statement gives it. */
  readonly fillNew: readonly Filling[];
  readonly fillOld: readonly Filling[];
  readonly unfilledBefore: string;
  readonly emptiedBefore: string;
  readonly oldUnfilledBefore: string;
  /** True for a row whose new columns hold nothing, and the old ones do. */
  readonly unfilled: string;
  /** True where that is what a release has written; empty where none has. */
  readonly emptied: string;
  /** True where new columns hold nothing. */
  readonly newIsEmpty: string;
  /** Statement that counts a write to the old side; empty in the first phase. */
  readonly straggler: string;
  /** Where the first function leaves what each side holds for the last one; empty where there is no last one. */
  readonly state: string;
  readonly oldText: string;
  readonly newText: string;
  readonly events: string;
  readonly when: string;
}

const inNew = ({ name }: MappedColumn): string => `NEW.${quoteIdent(name)}`;
const inOld = ({ name }: MappedColumn): string => `OLD.${quoteIdent(name)}`;

/** Every function and trigger of the sync, in the order in which they are made. */
export function mappingBodies(mapping: Mapping): PlannedBody[] {
  return (['first', 'moved', 'last'] as const).flatMap((place) =>
    ([1, 2] as const).flatMap((phase) => {
      if (!syncPlaces(mapping, phase).includes(place)) return [];
      const { functionName, triggerName } = namesAt(mapping, place, phase);
      const body = { phase, place, of: 'mapping' as const, view: mappingView(mapping, phase, place) };
      const trigger = { kind: 'trigger' as const, name: triggerName, ...body };
      return place === 'moved' ? [trigger] : [{ kind: 'function' as const, name: functionName, ...body }, trigger];
    }),
  );
}

function mappingView(mapping: Mapping, phase: 1 | 2, place: SyncPlace): MappingView {
  const { name, kind, table, old, fresh, sync } = mapping;
  const { functionName, triggerName } = namesAt(mapping, place, phase);
  const hasBack = hasWayBack(mapping);
  // A name may hold the end of a line, which would end the comment that it stands in.
  const [oldNames, newNames] = [old, fresh].map((columns) => namesOf(columns).replaceAll(/\s+/g, ' '));
  return {
    ...{ change: name, kind, phase, oldNames: oldNames ?? '', newNames: newNames ?? '' },
    functionName: quoteQualified({ schema: table.schema, name: functionName }),
    triggerName: quoteIdent(triggerName),
    table: quoteQualified(table),
    forward: assignments(fresh, old),
    back: hasBack ? assignments(old, fresh) : emptied(old),
    forwardMayFail: mayFail(fresh),
    backMayFail: mayFail(old),
    forwardFailure: quoteLiteral(`${newNames} cannot be made of ${oldNames}, as ${name} does it: `),
    backFailure: quoteLiteral(`${oldNames} cannot be made of ${newNames}, as ${name} does it: `),
    oldGiven: anyOf(old, isGiven),
    newGiven: anyOf(fresh, isGiven),
    oldChanged: anyOf(old, (column) => differs(inNew(column), inOld(column), column.byteEqual)),
    newChanged: anyOf(fresh, (column) => differs(inNew(column), inOld(column), column.byteEqual)),
    newFollows: follows(fresh, old, inNew),
    oldFollows: follows(old, fresh, inNew),
    fillNew: fillings(fresh, old),
    fillOld: hasBack && phase === 2 ? fillings(old, fresh) : [],
    unfilledBefore: isUnmapped(fresh, old, inOld),
    emptiedBefore: hasBack && phase === 2 ? follows(old, fresh, inOld) : '',
    oldUnfilledBefore: isUnmapped(old, fresh, inOld),
    hasBack,
    unfilled: isUnmapped(fresh, old, inNew),
    emptied: hasBack && phase === 2 ? follows(old, fresh, inNew) : '',
    newIsEmpty: isEmpty(fresh, inNew),
    straggler: phase === 1 ? '' : stragglerCounter(sync.stragglers).count,
    state: sync.last === null ? '' : `triphase.s_${shortHash(name)}`,
    oldText: rowText(old),
    newText: rowText(fresh),
    events: eventsOf(mapping, place),
    when: place === 'moved' ? isUnmapped(fresh, old, inNew) : '',
  };
}

interface Filling {
  readonly changed: string;
  readonly assign: string;
}

function fillings(columns: readonly MappedColumn[], others: readonly MappedColumn[]): Filling[] {
  const assigned = assignments(columns, others);
  return columns.map((column, at) => ({
    changed: differs(inNew(column), inOld(column), column.byteEqual),
    assign: assigned[at] ?? '',
  }));
}

const anyOf = (columns: readonly MappedColumn[], test: (column: MappedColumn) => string): string =>
  columns.length === 1 ? columns.map(test).join() : `(${columns.map(test).join(' OR ')})`;

/** True where a column holds something else on INSERT than what it gets when it is given nothing. */
function isGiven(column: MappedColumn): string {
  const { default: standing, type, byteEqual } = column;
  return standing === null
    ? `${inNew(column)} IS DISTINCT FROM NULL`
    : differs(inNew(column), `CAST(${standing} AS ${castType(type)})`, byteEqual);
}

function assignments(columns: readonly MappedColumn[], others: readonly MappedColumn[]): string[] {
  const values = others.map(inNew);
  return columns.map(
    (column) => `${inNew(column)} := ${column.value === null ? 'NULL' : mapped(column.value, values)};`,
  );
}

/** Nothing leads back from a value, but no value does: old columns are emptied with the new ones. */
const emptied = (old: readonly MappedColumn[]): string[] => old.map((column) => `${inNew(column)} := NULL;`);

const rowText = (columns: readonly MappedColumn[]): string => `ROW(${columns.map(inNew).join(', ')})::text`;

/** Where the application's own triggers may change a column that the statement does not name, the first one fires for each. */
function eventsOf({ sync, old, fresh }: Mapping, place: SyncPlace): string {
  if (place === 'moved') return 'UPDATE';
  const named = [...old, ...fresh].map(({ name }) => quoteIdent(name)).join(', ');
  return `INSERT OR UPDATE${sync.last === null ? ` OF ${named}` : ''}`;
}
