import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { isGiven, keyOf, type Move, settingOf, valuesDiffer } from '../../domain/move.ts';
import type { RenameSync } from '../../domain/rename.ts';
import { stragglerCounter } from '../../domain/straggler-counter.ts';
import { unsettledNotes } from '../../domain/unsettled.ts';
import type { PlannedBody } from '../rename/plan.ts';
import { namesAt, type SyncPlace, syncPlaces } from '../rename/sync.ts';

/** What the templates of a move's functions and triggers are filled with. Every field is SQL or a plain fact. */
export interface MoveView {
  readonly change: string;
  readonly phase: 1 | 2;
  readonly functionName: string;
  readonly triggerName: string;
  /** The trigger's own table. */
  readonly table: string;
  readonly source: string;
  readonly target: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly lockTimeout: string;
  /** The setting by which a trigger knows what the other table's one has written. */
  readonly setting: string;
  /** Of the trigger's row: its value and the one before, and whether that was given, has changed. */
  readonly value: string;
  readonly given: string;
  readonly changed: string;
  readonly keyChanged: string;
  readonly keyIsNull: string;
  /** Conditions on rows `s` of the source and `t` of the target. */
  readonly sourceOfNew: string;
  readonly targetOfNew: string;
  readonly sourceOfOld: string;
  /** The same where a part of the key is NULL. */
  readonly sourceOfNull: string;
  /** Whether a row of the other table holds another value than this one. */
  readonly sourceDiffers: string;
  readonly targetDiffers: string;
  /** The same for the value that was found there. */
  readonly sourceDiffersFound: string;
  readonly targetDiffersFound: string;
  readonly foundDiffers: string;
  /** Whether the trigger's row still holds what was written: a later part of the statement, or a trigger, may have gone on. */
  readonly isStill: string;
  readonly foundGiven: string;
  /** A number for the key, by which two writers know of each other. */
  readonly lock: string;
  readonly noteSource: string;
  readonly noteTarget: string;
  /** For a row that takes what those hold that it belongs to. */
  readonly noteTaking: string;
  readonly noteEither: string;
  /** For the key of a row that goes, or gets another one. */
  readonly noteGone: string;
  readonly isUnique: boolean;
  readonly missing: Move['missing'];
  readonly notNull: boolean;
  /** Columns and values of a row of the target that is made. */
  readonly columns: string;
  readonly values: string;
  /** In words, for an error. */
  readonly failure: string;
  readonly straggler: string;
  readonly timing: 'BEFORE' | 'AFTER';
  readonly events: string;
}

/** The side that gives up first commits, and what the other one writes then stands on both: never both at once, and both before PostgreSQL looks for a deadlock. */
const PATIENCE = { source: '60ms', target: '300ms' } as const;

/** Every function and trigger of the sync, on both tables, in the order in which they are made. */
export function moveBodies(move: Move): PlannedBody[] {
  return [...bodiesOf(move, 'source', move.sync), ...bodiesOf(move, 'target', move.targetSync)];
}

type Side = 'source' | 'target';

function bodiesOf(move: Move, side: Side, sync: RenameSync): PlannedBody[] {
  return (['first', 'moved', 'last'] as const).flatMap((place) =>
    ([1, 2] as const).flatMap((phase) => {
      if (!syncPlaces({ sync }, phase).includes(place)) return [];
      const { functionName, triggerName } = namesAt({ sync }, place, phase);
      const view = moveView(move, { side, phase, place, functionName, triggerName });
      const body = { phase, place, of: `move/${place === 'last' ? 'missing' : side}` as const, view };
      const trigger = { kind: 'trigger' as const, name: triggerName, ...body };
      return place === 'moved' ? [trigger] : [{ kind: 'function' as const, name: functionName, ...body }, trigger];
    }),
  );
}

interface Place {
  readonly side: Side;
  readonly phase: 1 | 2;
  readonly place: SyncPlace;
  readonly functionName: string;
  readonly triggerName: string;
}

function moveView(move: Move, { side, phase, place, functionName, triggerName }: Place): MoveView {
  const { name, table, toTable, from, to, type, via, isUnique, missing, notNull, sync } = move;
  const own = side === 'source' ? table : toTable;
  const column = quoteIdent(side === 'source' ? from : to);
  const [value, before] = [`NEW.${column}`, `OLD.${column}`];
  const key = keyOf(move, side, 'NEW.');
  const notes = unsettledNotes(move);
  const oldKey = keyOf(move, side, 'OLD.');
  return {
    ...{ change: name, phase, type, isUnique, missing, notNull },
    functionName: quoteQualified({ schema: own.schema, name: functionName }),
    triggerName: quoteIdent(triggerName),
    table: quoteQualified(own),
    source: quoteQualified(table),
    target: quoteQualified(toTable),
    from: quoteIdent(from),
    to: quoteIdent(to),
    lockTimeout: PATIENCE[side],
    setting: settingOf(move),
    value,
    given: isGiven(move, value),
    changed: valuesDiffer(move, value, before),
    keyChanged: key.map((one, at) => `${one} IS DISTINCT FROM ${oldKey[at]}`).join(' OR '),
    keyIsNull: key.map((one) => `${one} IS NULL`).join(' OR '),
    sourceOfNew: areEqual(keyOf(move, 'source', 's.'), key),
    targetOfNew: areEqual(keyOf(move, 'target', 't.'), key),
    sourceOfOld: areEqual(keyOf(move, 'source', 's.'), oldKey),
    sourceOfNull: keyOf(move, 'source', 's.')
      .map((one, at) => `${one} IS NOT DISTINCT FROM ${key[at]}`)
      .join(' AND '),
    sourceDiffers: valuesDiffer(move, `s.${quoteIdent(from)}`, value),
    targetDiffers: valuesDiffer(move, `t.${quoteIdent(to)}`, value),
    sourceDiffersFound: valuesDiffer(move, `s.${quoteIdent(from)}`, 'found_value'),
    targetDiffersFound: valuesDiffer(move, `t.${quoteIdent(to)}`, 'found_value'),
    isStill: isStill(move, side, value),
    foundDiffers: valuesDiffer(move, 'found_value', value),
    foundGiven: isGiven(move, 'found_value'),
    lock: `hashtextextended(${quoteLiteral(name)} || ROW(${key.join(', ')})::text, 0)`,
    noteSource: notes.note('source', key),
    noteTarget: notes.note('target', key),
    noteTaking: notes.note(phase === 1 ? 'either' : 'target', key),
    noteEither: notes.note('either', key),
    noteGone: notes.note('gone', oldKey),
    columns: [...via.map(({ target }) => quoteIdent(target)), quoteIdent(to)].join(', '),
    values: [...keyOf(move, 'source', 'NEW.'), value].join(', '),
    failure: quoteLiteral(
      `${table.name}.${from} has no row of ${toTable.name} to go to, as ${name} moves it (missing: ${missing})`,
    ),
    straggler: phase === 1 ? '' : stragglerCounter(sync.stragglers).count,
    timing: place === 'moved' ? 'BEFORE' : 'AFTER',
    events: eventsOf(move, side, place, phase),
  };
}

function isStill(move: Move, side: Side, value: string): string {
  const [table, column] = side === 'source' ? [move.table, move.from] : [move.toTable, move.to];
  const isRow = areEqual(keyOf(move, side, 'o.'), keyOf(move, side, 'NEW.'));
  return `EXISTS (SELECT FROM ${quoteQualified(table)} AS o WHERE ${isRow} AND NOT (${valuesDiffer(move, `o.${quoteIdent(column)}`, value)}))`;
}

const areEqual = (some: readonly string[], others: readonly string[]): string =>
  some.map((one, at) => `${one} = ${others[at]}`).join(' AND ');

function eventsOf(move: Move, side: Side, place: SyncPlace, phase: 1 | 2): string {
  const key = keyOf(move, side, '');
  const column = quoteIdent(side === 'source' ? move.from : move.to);
  if (place === 'moved')
    return `INSERT OR UPDATE OF ${key.join(', ')}${side === 'target' && phase === 2 ? ' OR DELETE' : ''}`;
  // The application's own triggers may change the column without the statement naming it.
  return `INSERT OR UPDATE${move.unlisted.includes(side) ? '' : ` OF ${[column, ...key].join(', ')}`}`;
}
