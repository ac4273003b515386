import { deriveName, quoteIdent, quoteQualified, slug } from '../../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../../domain/ledger-schema.ts';
import type { Missing, Move, ViaColumn } from '../../domain/move.ts';
import type { DroppedFacts } from '../../objects/dropping.ts';
import type { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { ensureMayGo, ensureSyncable } from '../going-columns.ts';
import { changeName, moveSyncNames } from '../rename/names.ts';
import { plannedSteps, type RenamePlan, type RenameRequest } from '../rename/plan.ts';
import { type Warning, warningsOf } from '../rename/warnings.ts';
import { moveSteps } from './steps.ts';
import { moveBodies } from './sync.ts';

/** What a user asks for. */
export interface MoveRequest
  extends Pick<RenameRequest, 'releases' | 'name' | 'now' | 'takenFunctions' | 'ledgerSchema' | 'quietTriggers'> {
  /** The old column, as it is; its `facts` have its default. */
  readonly facts: TableFacts;
  readonly original: Renaming;
  /** The other table, by one of the columns that `via` names. */
  readonly targetFacts: TableFacts;
  readonly to: string;
  /** With its collation where that is not the type's own. */
  readonly type: string;
  readonly via: readonly ViaColumn[];
  readonly isUnique: boolean;
  readonly missing: Missing;
  readonly dropped: DroppedFacts;
}

/** `users_email_to_contacts_email`. */
function moveName(table: string, from: string, toTable: string, to: string): string {
  return changeName(table, [from], [toTable, to]);
}

/** Plans the move of a column to another table from what was found on both. @throws PH2001 when something about one stands in its way. */
export function planMove(request: MoveRequest): RenamePlan<Move> {
  const { facts, original, targetFacts, to, type, via, isUnique, missing, dropped, releases } = request;
  const { quietTriggers = false, ledgerSchema } = request;
  ensureMayGo(facts, 'move');
  ensureSyncable(targetFacts, 'move', to);
  const { table, column } = facts;
  const name = request.name ?? moveName(table.name, column.name, targetFacts.table.name, to);
  const taken = new Set([...facts.takenNames, ...targetFacts.takenNames, ...request.takenFunctions]);
  const { sync, targetSync } = moveSyncNames(facts, targetFacts, {
    name,
    to,
    taken,
    ledgerSchema,
    checks: missing === 'refuse',
  });
  const move: Move = {
    ...{ name, kind: 'move', table, from: column.name, toTable: targetFacts.table, to, type, via, isUnique, missing },
    ...{
      byteEqual: column.byteEqual,
      notNull: column.notNull,
      partOf: null,
      dropped: dropped.objects,
      sync,
      targetSync,
    },
    default: column.default?.class === 'constant' ? column.default.expression : null,
    unsettled: {
      name: deriveName(`unsettled_${name}`, ''),
      ...(ledgerSchema === DEFAULT_LEDGER_SCHEMA ? {} : { schema: ledgerSchema }),
    },
    unlisted: [
      ...(isChangedBefore(facts) ? (['source'] as const) : []),
      ...(isChangedBefore(targetFacts) ? (['target'] as const) : []),
    ],
  };
  return {
    rename: move,
    parts: [],
    steps: plannedSteps(
      name,
      moveSteps({ move, original, grants: grantsOf(facts, move), dropped, quietTriggers }),
      request,
      ['contract'],
    ),
    bodies: moveBodies(move),
    versions: [],
    warnings: moveWarnings(move, facts, { releases, quietTriggers }),
  };
}

/** Triggers of the application that give a row another value as a whole, or the column, before it is written. */
function isChangedBefore({ objects }: TableFacts): boolean {
  return objects.trigger.some(
    ({ before, row, mentionsColumn, assignsRow }) => before && row && (mentionsColumn || assignsRow),
  );
}

function grantsOf({ column }: TableFacts, { toTable, to }: Move): string[] {
  return column.privileges.map(
    ({ privilege, grantee, grantable }) =>
      `GRANT ${privilege} (${quoteIdent(to)}) ON ${quoteQualified(toTable)} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`,
  );
}

const POLICY = {
  create: 'is given one',
  skip: 'waits for one: phase 2 is refused as long as a value has nowhere to go',
  refuse: 'is refused at the end of its transaction',
} as const;

function moveWarnings(
  move: Move,
  facts: TableFacts,
  options: { readonly releases: RenameRequest['releases']; readonly quietTriggers: boolean },
): Warning[] {
  const { table, from, toTable, to, missing, isUnique, notNull, sync } = move;
  const perTable = warningsOf(
    facts,
    {
      ...{ name: move.name, table, from, to, type: move.type, byteEqual: move.byteEqual, sync, default: 'none' },
      ...{ standing: null, notNull, carried: [], refreshed: [], versions: [], copying: [], retype: null, partOf: null },
    },
    options,
    [],
  ).filter(({ code }) => !OF_ONE_TABLE.has(code));
  return [
    {
      code: 'value_without_row',
      message: `From phase 1 on a row of ${slug(table.name)} with a value, and without a row of ${slug(toTable.name)}, ${POLICY[missing]} (--missing ${missing}).`,
    },
    {
      code: 'two_tables',
      message: `A write of ${from} writes a row of ${quoteQualified(toTable)}, too, and the other way round: roles that write one have to be allowed to write the other, and triggers of the application on either fire for it.`,
    },
    ...(isUnique
      ? []
      : [
          {
            code: 'one_value_for_several',
            message: `Several rows of ${quoteQualified(table)} may belong to one of ${quoteQualified(toTable)}: from phase 1 on a write to one is a write to all.`,
          },
        ]),
    ...(notNull
      ? [
          {
            code: 'new_may_be_null',
            message: `${to} may be NULL, and so may ${from} from phase 2 on; until then a NULL for ${to} is refused where there is a row of ${slug(table.name)}. phase new set-not-null makes ${to} NOT NULL afterwards.`,
          },
        ]
      : []),
    ...perTable,
  ];
}

const OF_ONE_TABLE: ReadonlySet<string> = new Set(['trigger_argument_names_column', 'one_more_column', 'published']);
