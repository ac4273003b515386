import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import {
  follows,
  hasWayBack,
  isEmpty,
  type MappedColumn,
  type Mapping,
  mapped,
  needsFilling,
} from '../../domain/mapping.ts';
import { onErrorOf, type RenameStepName } from '../../domain/rename.ts';
import { backfill, type Code, call, execute } from '../../objects/code.ts';
import type { DroppedFacts } from '../../objects/dropping.ts';
import { Renaming } from '../../objects/renaming.ts';
import { createOnError, dropOnError } from '../on-error.ts';
import { addColumn } from '../rename/column-code.ts';
import { atOnce, type StepCode } from '../rename/steps.ts';
import { createStragglers, createSync, dropStragglers, dropSync } from '../rename/sync-code.ts';

/** All that steps are made of. */
export interface MappingParts {
  readonly mapping: Mapping;
  /** Each old column with all that it has itself, without a default: what the third phase, undone, adds again. */
  readonly originals: readonly Renaming[];
  /** Statements that give new columns the privileges that the old ones have. */
  readonly grants: readonly string[];
  readonly dropped: DroppedFacts;
  readonly quietTriggers: boolean;
}

/** The five steps of a split or a merge as code; docs/changes.md explains each. */
export function mappingSteps(parts: MappingParts): Record<RenameStepName, StepCode> {
  const { mapping, quietTriggers } = parts;
  const { fresh, old, table } = mapping;
  const on = quoteQualified(table);
  const synced = { rename: mapping, on };
  // Where nothing leads back, the second phase is held, and whoever writes new columns alone comes before it.
  const required = hasWayBack(mapping) ? [] : old.filter(({ notNull }) => notNull);
  return {
    expand: {
      up: [
        ...fresh.map((column) => execute(`ALTER TABLE ${on} ADD COLUMN ${quoteIdent(column.name)} ${column.type}`)),
        ...parts.grants.map(execute),
        ...makeOnError(mapping),
        ...createSync(synced, 1),
        ...defaults(on, fresh),
        ...required.map(({ name }) => call('unsetNotNull', { on, column: name })),
      ],
      down: [
        ...required.map(({ name }) => call('setNotNull', { on, column: name })),
        ...dropSync(synced, 1),
        ...fresh.toReversed().map(({ name }) => call('dropColumn', { on, column: name })),
        ...goneOnError(mapping),
      ],
      transaction: true,
      downTransaction: required.length === 0,
    },
    backfill: {
      up: [
        backfill({
          table: on,
          set: valuesOf(fresh, old),
          where: needsFilling(mapping),
          ...(quietTriggers ? { quietTriggers } : { exact: true }),
        }),
      ],
      down: [],
      transaction: false,
      downTransaction: true,
    },
    constrain: { up: [analyze(on, fresh)], down: [], transaction: false, downTransaction: true },
    switch: turn(parts),
    contract: contract(parts),
  };
}

/** The functions that new columns are made by where an expression may have no result. */
const makeOnError = (mapping: Mapping): Code[] =>
  onErrorOf(mapping).flatMap((name) =>
    createOnError(
      mapping.table,
      name,
      mapping.old.map(({ type }) => type),
    ),
  );

const goneOnError = (mapping: Mapping): Code[] => onErrorOf(mapping).map((name) => dropOnError(mapping.table, name));

/** Of rows that are there none changes. */
const defaults = (on: string, columns: readonly MappedColumn[]): Code[] =>
  columns.flatMap(({ name, default: standing }) =>
    standing === null ? [] : [execute(`ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(name)} SET DEFAULT ${standing}`)],
  );

/** What each column is by its map, as SQL. */
function valuesOf(columns: readonly MappedColumn[], others: readonly MappedColumn[]): Record<string, string> {
  const names = others.map(({ name }) => quoteIdent(name));
  const values = columns.map(({ name, value }) => [name, value === null ? 'NULL' : mapped(value, names)] as const);
  return Object.fromEntries(values);
}

const analyze = (on: string, columns: readonly MappedColumn[]): Code =>
  execute(`ANALYZE ${on} (${columns.map(({ name }) => quoteIdent(name)).join(', ')})`);

/** With what the table itself has of it; partitions get theirs from the table. */
const addOriginal = ({ facts, rename }: Renaming): Code[] =>
  addColumn(new Renaming({ ...facts, partitioned: false, children: [] }, rename));

/** What is new takes authority; never a moment without a trigger. */
function turn({ mapping }: MappingParts): StepCode {
  const on = quoteQualified(mapping.table);
  const synced = { rename: mapping, on };
  return {
    up: [
      call('confirmGate', mapping.name, { phase: 2 }),
      ...createStragglers(synced),
      ...createSync(synced, 2),
      ...dropSync(synced, 1),
    ],
    down: [...atOnce([...createSync(synced, 1), ...dropSync(synced, 2), ...dropStragglers(synced)])],
    transaction: true,
    downTransaction: false,
  };
}

/** Sync and old columns go. Undoing adds them again with their sync at once, then fills them, then gives them what they had. */
function contract({ mapping, originals, dropped }: MappingParts): StepCode {
  const { table, old, fresh } = mapping;
  const on = quoteQualified(table);
  const synced = { rename: mapping, on };
  const [first] = old;
  const addAgain = [
    ...createStragglers(synced),
    ...makeOnError(mapping),
    ...originals.flatMap(addOriginal),
    ...createSync(synced, 2),
    ...defaults(on, old),
  ];
  // One after the other: a row that comes back as nothing has nothing to be filled with.
  const where = `CASE WHEN ${isEmpty(old)} THEN NOT (${follows(old, fresh)}) ELSE false END`;
  const fill = backfill({ table: on, set: valuesOf(old, fresh), where, exact: true });
  const isRequired = hasWayBack(mapping) ? old.filter(({ notNull }) => notNull) : [];
  return {
    up: [
      call('confirmGate', mapping.name, { phase: 3 }),
      ...dropSync(synced, 2),
      ...dropped.drop,
      ...old.map(({ name }) => call('dropColumn', { on, column: name })),
      ...dropStragglers(synced),
      ...goneOnError(mapping),
    ],
    down: [
      { kind: 'unlessColumn', on, column: first?.name ?? '', body: atOnce(addAgain) },
      ...(hasWayBack(mapping) ? [fill] : []),
      ...isRequired.map(({ name }) => call('setNotNull', { on, column: name })),
      ...dropped.restore,
      analyze(on, old),
    ],
    transaction: true,
    downTransaction: false,
  };
}
