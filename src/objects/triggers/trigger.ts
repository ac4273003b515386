import { argumentsOf } from '../../catalog/trigger-sources.ts';
import type { TriggerFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { all } from '../../postgres/queryable.ts';
import { type Code, call } from '../code.ts';
import { type HangingObject, type HangingSources, ON_COLUMN, tableName } from '../hanging.ts';
import type { BoundKind, Way } from '../kind.ts';
import { notUnderstood } from '../refusal.ts';
import { copyTriggers, readTriggers } from './read.ts';

type TriggerForm = keyof NonNullable<TriggerFacts['rebound']>;

/** A trigger of the application on the table. All of them are read; those that name the column are brought to forms of their own. */
export const trigger: BoundKind<'trigger', TriggerFacts> = {
  name: 'trigger',
  carried: 'bound',
  noun: 'trigger',
  heading: 'triggers of the table',
  place: 'table',
  family: 'trigger',
  freed: 'in phase 3',
  exclusive: true,
  isBound: ({ rebound }) => rebound !== null,
  toScratch: copyTriggers,
  ownTables:
    'SELECT tgrelid::int8::text FROM pg_trigger WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal AND tgparentid = 0',

  async read(sources) {
    const found = await sources.ofMembers(readTriggers);
    return {
      objects: found.map(({ facts }) => facts),
      refused: found
        .filter(({ understood }) => !understood)
        .map(({ facts }) => notUnderstood(`trigger ${quoteIdent(facts.name)}`)),
    };
  },
  hanging: hangingTriggers,
  finalText: ({ rebound }) => rebound?.after,

  steps: {
    expand: between('original', 'during'),
    switch: between('during', 'switched'),
    contract: between('switched', 'after'),
    refresh: between('original', 'after'),
  },
};

/** From one form to another where they differ, and back. */
function between(before: TriggerForm, after: TriggerForm): Way<TriggerFacts> {
  const rebind = ({ name, on, rebound }: TriggerFacts, from: TriggerForm, to: TriggerForm): Code[] =>
    rebound === null || rebound[from] === rebound[to]
      ? []
      : [call('rebindTrigger', name, { on: quoteQualified(on), definition: rebound[to] })];
  return {
    up: (_renaming, object) => rebind(object, before, after),
    down: (_renaming, object) => rebind(object, after, before),
  };
}

const HANGING = `${ON_COLUMN}
  SELECT t.tgname AS name, ${tableName('t.tgrelid')} AS on, encode(t.tgargs, 'hex') AS arguments,
    EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid AND d.refobjsubid = columns.attnum) AS depends
  FROM pg_trigger t JOIN columns ON columns.attrelid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgparentid = 0
  ORDER BY 2, 1`;

interface HangingTriggerRow {
  name: string;
  on: string;
  arguments: string;
  depends: boolean;
}

async function hangingTriggers({ db, table, column, ours }: HangingSources): Promise<HangingObject[]> {
  const rows = await all<HangingTriggerRow>(db, HANGING, [table, column]);
  return rows
    .filter(({ name }) => !ours.includes(name))
    .flatMap((row): HangingObject[] => {
      const description = `trigger ${quoteIdent(row.name)}`;
      const found = { kind: trigger.name, name: row.name, on: row.on, description, freedLast: false, blocks: true };
      const given = `${description}, which gives ${quoteIdent(column)} to its function as an argument`;
      return [
        ...(row.depends ? [found] : []),
        ...(argumentsOf(row).includes(column) ? [{ ...found, kind: 'other', description: given, blocks: false }] : []),
      ];
    });
}
