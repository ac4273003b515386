import { asPair } from '../../domain/change.ts';
import type { ColumnPrivilege } from '../../domain/facts.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import {
  asPairs,
  hasWayBack,
  type MappedColumn,
  type Mapping,
  type MappingKind,
  mapped,
  mayFail,
  namesOf,
} from '../../domain/mapping.ts';
import type { DroppedFacts } from '../../objects/dropping.ts';
import type { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { ensureMayGo } from '../going-columns.ts';
import { onErrorBody, onErrorCall, onErrorName } from '../on-error.ts';
import { changeName, mappingSyncNames } from '../rename/names.ts';
import { type PlannedBody, plannedSteps, type RenamePlan, type RenameRequest } from '../rename/plan.ts';
import { type Warning, warningsOf } from '../rename/warnings.ts';
import { mappingSteps } from './steps.ts';
import { mappingBodies } from './sync.ts';

/** What a user asks for. */
export interface MappingRequest
  extends Pick<RenameRequest, 'releases' | 'name' | 'now' | 'takenFunctions' | 'ledgerSchema' | 'quietTriggers'> {
  readonly kind: MappingKind;
  readonly old: readonly MappedColumn[];
  readonly fresh: readonly MappedColumn[];
  /** What new columns become where their expression has no result, as SQL, one each; null where that is refused. */
  readonly onError?: readonly (string | null)[];
  /** Of the old columns, one each, as they are; and as they are to be added again. */
  readonly facts: readonly TableFacts[];
  readonly originals: readonly [Renaming, ...Renaming[]];
  readonly dropped: DroppedFacts;
}

/** Plans a split or a merge from what was found on the table. @throws PH2001 when something about the table stands in its way. */
export function planMapping(request: MappingRequest): RenamePlan<Mapping> {
  const { kind, old, originals, dropped, releases, quietTriggers = false } = request;
  const [{ facts }] = originals;
  for (const column of request.facts) ensureMayGo(column, kind);
  const name =
    request.name ??
    changeName(
      facts.table.name,
      old.map((column) => column.name),
      request.fresh.map((column) => column.name),
    );
  const taken = new Set([...facts.takenNames, ...request.takenFunctions]);
  const fresh = request.fresh.map((column, at) => withOnError(column, request, at, taken));
  const ofColumns = originals.map((original) => original.facts) as [TableFacts, ...TableFacts[]];
  const sync = mappingSyncNames(ofColumns, name, { taken, ledgerSchema: request.ledgerSchema });
  const mapping: Mapping = {
    ...{ name, kind, table: facts.table, old, fresh, dropped: dropped.objects, sync, partOf: null },
  };
  const grants = grantsOf(originals, fresh);
  const steps = mappingSteps({ mapping, originals, grants, dropped, quietTriggers });
  // Where nothing leads back, releases that read what is old would read what was.
  const breaking = hasWayBack(mapping) ? (['contract'] as const) : (['switch', 'contract'] as const);
  return {
    rename: mapping,
    parts: [],
    steps: plannedSteps(name, steps, request, breaking),
    bodies: [...onErrorBodies(mapping, request), ...mappingBodies(mapping)],
    versions: [],
    warnings: mappingWarnings(mapping, originals, { releases, quietTriggers }),
  };
}

/** A column that is made by a function of its own, which has a result for each value; `taken` gets its name. */
function withOnError(
  column: MappedColumn,
  { old, originals, onError = [] }: MappingRequest,
  at: number,
  taken: Set<string>,
): MappedColumn {
  if ((onError[at] ?? null) === null || column.value?.mayFail !== true) return column;
  const { table } = originals[0].facts;
  const name = onErrorName(table.name, column.name, taken);
  taken.add(name);
  return { ...column, value: { sql: onErrorCall(table, name, old.length), mayFail: false }, onError: name };
}

function onErrorBodies({ name: rename, table, old, fresh }: Mapping, request: MappingRequest): PlannedBody[] {
  const inputs = old.map(({ type }, at) => ({ name: `value${old.length === 1 ? '' : at + 1}`, type }));
  const names = inputs.map(({ name }) => name);
  return fresh.flatMap(({ onError: name, type: to }, at) => {
    const [value, instead] = [request.fresh[at]?.value ?? null, request.onError?.[at] ?? null];
    if (name === undefined || value === null || instead === null) return [];
    return [onErrorBody({ rename, name, table, inputs, to, forward: mapped(value, names), instead })];
  });
}

/** Whoever has a privilege to all old columns has it to the new ones, with which it is one value. */
function grantsOf(originals: readonly Renaming[], fresh: readonly MappedColumn[]): string[] {
  const [first, ...others] = originals;
  if (first === undefined) return [];
  const isSame = (a: ColumnPrivilege, b: ColumnPrivilege): boolean =>
    a.privilege === b.privilege && a.grantee === b.grantee;
  const shared = first.facts.column.privileges.filter((one) =>
    others.every(({ facts }) => facts.column.privileges.some((other) => isSame(one, other))),
  );
  return fresh.flatMap(({ name }) =>
    shared.map(
      ({ privilege, grantee, grantable }) =>
        `GRANT ${privilege} (${quoteIdent(name)}) ON ${first.on} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`,
    ),
  );
}

function mappingWarnings(
  mapping: Mapping,
  originals: readonly Renaming[],
  { releases, quietTriggers }: { readonly releases: RenameRequest['releases']; readonly quietTriggers: boolean },
): Warning[] {
  const { name, old, fresh } = mapping;
  const [oldNames, newNames] = [namesOf(old), namesOf(fresh)];
  const hasBack = hasWayBack(mapping);
  const required = old.filter(({ notNull }) => notNull);
  const pairs = asPairs(mapping);
  const perTable = originals.flatMap(({ facts }, at) =>
    warningsOf(facts, pairs[at] ?? asPair(mapping), { releases, quietTriggers }, []),
  );
  return [
    ...(hasBack
      ? []
      : [
          {
            code: 'no_way_back',
            message: `Nothing leads back to ${oldNames}: from phase 2 on it stays as it was, so that releases below ${releases[1]} would read what is past. Phase 2 is held until none of them is alive.`,
          },
        ]),
    ...(mayFail(fresh)
      ? [
          {
            code: 'writes_may_be_refused',
            message: `From phase 1 on a write of ${oldNames} that cannot become ${newNames} is refused with PostgreSQL's error, which names ${name}.`,
          },
        ]
      : []),
    ...(hasBack && required.length > 0
      ? [
          {
            code: 'old_stays_not_null',
            message: `${namesOf(required)} stays NOT NULL until phase 3: a write of ${newNames} that leads to NULL there is refused until then.`,
          },
        ]
      : []),
    ...(required.length > 0
      ? [
          {
            code: 'new_may_be_null',
            message: `${newNames} may be NULL: phase new set-not-null makes ${fresh.length === 1 ? 'it' : 'them'} NOT NULL, once no release below ${releases[1]} is alive.`,
          },
        ]
      : []),
    ...new Map(perTable.map((warning) => [warning.message, warning])).values(),
  ].filter(({ code }) => code !== 'trigger_argument_names_column');
}
