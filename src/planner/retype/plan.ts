import { PhaseError } from '../../domain/errors/phase-error.ts';
import { type QualifiedName, quoteQualified, shortHash } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import { converted, partName, type Retype } from '../../domain/rename.ts';
import { twinName } from '../../domain/twin-name.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { onErrorBody, onErrorCall, onErrorName } from '../on-error.ts';
import { eachOnce } from '../rename/each-once.ts';
import { carriedOf, changeName, retypeSyncNames } from '../rename/names.ts';
import { type PlannedBody, planBodies, plannedSteps, type RenamePlan } from '../rename/plan.ts';
import { ensureSupported } from '../rename/supported.ts';
import { syncFactsOf } from '../rename/sync.ts';
import type { Warning } from '../rename/warnings.ts';
import { warningsOf } from '../rename/warnings.ts';
import { type PlannedDefault, type RetypeFacts, type RetypePart, retypeSteps } from './steps.ts';
import { isCheaplyCompared } from './sync.ts';

/** What a user asks for. */
export interface RetypePlanRequest {
  readonly releases: readonly [Release, Release, Release];
  readonly name?: string | undefined;
  readonly now: Date;
  readonly takenFunctions: readonly string[];
  readonly ledgerSchema: string;
  readonly rewriteLimit: number;
  readonly quietTriggers?: boolean;
  /** The release of the first phase reads both types. */
  readonly isTolerated: boolean;
}

/** The name that the new column goes by until the second phase, and the old one from then on. */
export function asideName({ columns }: Pick<TableFacts, 'columns'>, column: string): string {
  const plain = twinName(column);
  return columns.includes(plain) ? twinName(`${column}_${shortHash(column)}`) : plain;
}

/** `users_id_to_bigint`; what is cut off keeps a hash. */
export function retypeName(table: string, column: string, type: string): string {
  const word = type
    .replaceAll(/^.*\.|"/g, '')
    .replaceAll(/\W+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase();
  return changeName(table, [column], [word]);
}

/** A column that is to get another type, and what it goes by until the second phase. */
export interface RetypedColumn {
  readonly facts: RetypeFacts;
  readonly to: string;
  readonly retype: Retype;
  readonly default: PlannedDefault | null;
  /** What a value becomes that cannot be converted, as SQL; null where it is refused. */
  readonly onError: string | null;
}

/**
 * Plans the change of a column to another type, and of those that reference it, from what was found on their tables.
 * @param columns the column first.
 * @throws PH2001 when something on one cannot be carried over.
 */
export function planRetype(
  columns: readonly [RetypedColumn, ...RetypedColumn[]],
  request: RetypePlanRequest,
): RenamePlan {
  for (const { facts } of columns) {
    ensureNotGenerated(facts.next);
    ensureSupported(facts.next, request.rewriteLimit);
  }
  const once = eachOnce(columns.map(({ facts }) => facts.next));
  const [{ facts, retype, onError }] = columns;
  const name = request.name ?? retypeName(facts.next.table.name, facts.next.column.name, retype.type);
  const parts = columns.map((column, at): RetypePart => {
    const own = { next: once(column.facts.next, at), back: once(column.facts.back, at) };
    return { facts: own, change: changeOf(own.next, column, { whole: name, at, request }), default: column.default };
  });
  const [head, ...others] = parts.map(({ change }) => change);
  if (head === undefined) throw new TypeError('a change has a column');
  return {
    rename: head,
    parts: others,
    steps: plannedSteps(
      name,
      retypeSteps(name, parts, request.quietTriggers ?? false),
      request,
      // The name has the new type from the switch on.
      request.isTolerated ? ['contract'] : ['switch', 'contract'],
    ),
    bodies: [
      ...parts.flatMap(({ change }) => onErrorBodies(change, retype, onError)),
      ...parts.flatMap((part) => planBodies([{ facts: syncFactsOf(part.facts.next), rename: part.change }])),
    ],
    versions: [],
    warnings: parts.flatMap((part, at) => retypeWarnings(part.facts.next, part.change, at === 0, request)),
  };
}

function ensureNotGenerated({ table, column }: TableFacts): void {
  if (column.generated === null) return;
  throw new PhaseError('PH2001', {
    table: quoteQualified(table),
    column: column.name,
    kind: 'retype',
    objects: [
      {
        object: `generated column ${column.name}`,
        reason: 'nobody writes it, and PostgreSQL computes each row anew when its type changes',
        instead: 'Add another generated column of the new type, and rename it once the old one is gone.',
      },
    ],
  });
}

function changeOf(
  facts: TableFacts,
  { facts: found, to, retype: plain, onError }: RetypedColumn,
  { whole, at, request }: { readonly whole: string; readonly at: number; readonly request: RetypePlanRequest },
): RetypePart['change'] {
  const { table, column, takenNames } = facts;
  const name = at === 0 ? whole : partName(whole, table, column.name);
  const taken = new Set([...takenNames, ...request.takenFunctions]);
  const retype = onError === null ? plain : withOnError(plain, table, onErrorName(table.name, column.name, taken));
  const isCheap = isCheaplyCompared(column, { retype });
  return {
    ...{ name, table, from: column.name, to, type: column.type, byteEqual: column.byteEqual },
    ...{ default: 'none', standing: null, notNull: column.notNull, refreshed: [], versions: [], copying: [] },
    carried: carriedOf(facts, name),
    sync: retypeSyncNames(found.next, name, { taken, ledgerSchema: request.ledgerSchema, isCheap }),
    retype,
    partOf: at === 0 ? null : whole,
  };
}

/** The conversion by a function that has a result for every value. */
function withOnError(retype: Retype, table: QualifiedName, onError: string): Retype {
  return { ...retype, forward: { sql: onErrorCall(table, onError, 1), mayFail: true }, onError };
}

/** The function that a change goes by where values may have no counterpart. @param plain its conversion as it is without that. */
function onErrorBodies(
  { name, table, type, retype }: RetypePart['change'],
  plain: Retype,
  instead: string | null,
): PlannedBody[] {
  if (retype.onError === undefined || instead === null) return [];
  const inputs = [{ name: 'value', type }];
  const forward = converted(plain.forward, 'value');
  return [onErrorBody({ rename: name, name: retype.onError, table, inputs, to: retype.type, forward, instead })];
}

/** How node-postgres gives values of types, where that is not as a text. Source: https://node-postgres.com/features/types */
const IN_NODE: Readonly<Record<string, string>> = {
  smallint: 'a number',
  integer: 'a number',
  oid: 'a number',
  real: 'a number',
  'double precision': 'a number',
  boolean: 'a boolean',
  date: 'a Date at midnight of the local time zone',
  'timestamp without time zone': 'a Date, as if it were of the local time zone',
  'timestamp with time zone': 'a Date',
  json: 'a parsed value',
  jsonb: 'a parsed value',
  bytea: 'a Buffer',
  interval: 'an object',
};
const inNode = (type: string): string => IN_NODE[type.replace(/\(.*?\)/, '')] ?? 'a string';

function retypeWarnings(
  facts: TableFacts,
  change: RetypePart['change'],
  isFirst: boolean,
  request: RetypePlanRequest,
): Warning[] {
  const { releases, quietTriggers = false, isTolerated } = request;
  const { from, type, retype } = change;
  const [before, after] = [inNode(type), inNode(retype.type)];
  const differs = before === after ? '' : ` node-postgres gives ${after} for it, and ${before} until then.`;
  const held = isTolerated
    ? `Release ${releases[0]} is said to read both.`
    : `Phase 2 is held until no release below ${releases[1]} is alive; --tolerated says that ${releases[0]} reads both.`;
  return [
    {
      code: 'type_under_the_same_name',
      message: `From phase 2 on ${from} is ${retype.type}, and releases from ${releases[1]} on are alive while it still is ${type}: they have to read and write both.${differs}${isFirst ? ` ${held}` : ''}`,
    },
    ...(retype.forward.mayFail && retype.onError === undefined
      ? [
          {
            code: 'writes_may_be_refused',
            message: `From phase 1 on a write of a value that cannot become ${retype.type} is refused with PostgreSQL's error, which names ${change.name}.`,
          },
        ]
      : []),
    ...(retype.back.mayFail
      ? [
          {
            code: 'no_way_back_for_some',
            message: `Once a row holds what ${type} cannot, phase 2 cannot be undone: phase rollback counts such rows and refuses.`,
          },
        ]
      : []),
    ...warningsOf(facts, change, { releases, quietTriggers }, []).filter(({ code }) => !OF_NAMES.has(code)),
  ];
}

/** Warnings of what names the column: its name stays. */
const OF_NAMES: ReadonlySet<string> = new Set(['trigger_argument_names_column', 'published']);
