import type { Change } from '../../domain/change.ts';
import type { MigrationKind, Phase } from '../../domain/manifest.ts';
import type { Release } from '../../domain/release.ts';
import { RENAME_STEPS, type Rename, type RenameStepName, STEP_FACTS, type StepName } from '../../domain/rename.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import type { MappingView } from '../mapping/sync.ts';
import type { MoveView } from '../move/sync.ts';
import { type RetypeView, retypeView } from '../retype/sync.ts';
import { type FunctionVersion, functionVersions, type KnownVersion, renamedFunction } from './function-versions.ts';
import { carriedOf, renameName, syncNames } from './names.ts';
import { type StepCode, stepCode } from './steps.ts';
import { ensureSupported } from './supported.ts';
import {
  namesAt,
  type SyncFacts,
  type SyncPlace,
  type SyncView,
  standingDefault,
  syncFactsOf,
  syncPlaces,
  syncView,
} from './sync.ts';
import { type Warning, warningsOf } from './warnings.ts';

/** What a user asks for. */
export interface RenameRequest {
  readonly to: string;
  readonly releases: readonly [Release, Release, Release];
  /** Name of the rename; derived from table and columns when absent. */
  readonly name?: string | undefined;
  /** When it is scaffolded: the timestamps of its files begin here. */
  readonly now: Date;
  /** Names of functions that db/functions holds already. */
  readonly takenFunctions: readonly string[];
  /** Where the ledger is, and what counts stragglers. */
  readonly ledgerSchema: string;
  /** The last versions that db/functions holds of functions that name the column. */
  readonly functions: ReadonlyMap<string, KnownVersion>;
  /** The largest table, in bytes, that may be locked for as long as it is read or written. */
  readonly rewriteLimit: number;
  /** Keep the application's triggers quiet while the backfill runs. */
  readonly quietTriggers?: boolean;
}

export interface PlannedStep extends StepCode {
  readonly step: StepName;
  readonly id: string;
  readonly kind: MigrationKind;
  readonly phase: Phase;
  readonly release: Release;
  /** The step that it comes after, by id. */
  readonly after: string | null;
  readonly breaks: string | null;
}

/** A version of a function or trigger to be written. */
export interface PlannedBody {
  readonly kind: 'function' | 'trigger';
  readonly name: string;
  readonly phase: 1 | 2;
  readonly place: SyncPlace;
  /** Which templates it is made with. */
  readonly of: 'rename' | 'retype' | 'mapping' | 'move/source' | 'move/target' | 'move/missing';
  readonly view: SyncView | RetypeView | MappingView | MoveView;
}

/** All three phases of a change, as data. */
export interface RenamePlan<C extends Change = Rename> {
  readonly rename: C;
  /** What goes with it, in the same steps. */
  readonly parts: readonly Rename[];
  readonly steps: readonly PlannedStep[];
  readonly bodies: readonly PlannedBody[];
  /** New versions of the application's own functions. */
  readonly versions: readonly FunctionVersion[];
  readonly warnings: readonly Warning[];
}

/**
 * Plans a rename from what was found on the table.
 * @throws PH2001 when something on the column cannot be carried over.
 */
export function planRename(facts: TableFacts, request: RenameRequest): RenamePlan {
  ensureSupported(facts, request.rewriteLimit);
  const versions = functionVersions(facts, request.to, request.functions);
  const rename = { ...renameOf(facts, request), versions: versions.map(renamedFunction(2)) };
  return {
    rename,
    parts: [],
    steps: plannedSteps(
      rename.name,
      stepCode(facts, rename, { versions, quietTriggers: request.quietTriggers ?? false }),
      request,
      ['contract'],
    ),
    bodies: planBodies(syncFactsOf(facts), rename),
    versions,
    warnings: warningsOf(facts, rename, request, versions),
  };
}

function renameOf(
  facts: TableFacts,
  { to, name, takenFunctions, ledgerSchema }: RenameRequest,
): Omit<Rename, 'versions'> {
  const { table, column } = facts;
  const own = name ?? renameName(table.name, column.name, to);
  return {
    name: own,
    table,
    from: column.name,
    to,
    type: column.type,
    byteEqual: column.byteEqual,
    default: column.identity ? 'volatile' : (standingDefault(column)?.class ?? 'none'),
    standing: standingDefault(column)?.class === 'constant' ? (standingDefault(column)?.expression ?? null) : null,
    notNull: column.notNull,
    carried: carriedOf(facts, own),
    refreshed: [],
    copying: [],
    retype: null,
    partOf: null,
    sync: syncNames(facts, own, { taken: new Set([...facts.takenNames, ...takenFunctions]), ledgerSchema }),
  };
}

/** The steps of a change, each with its release. @param breaking those that no release before the second one lives with. */
export function plannedSteps(
  name: string,
  code: Readonly<Record<RenameStepName, StepCode>>,
  { now, releases }: Pick<RenameRequest, 'now' | 'releases'>,
  breaking: readonly RenameStepName[],
): PlannedStep[] {
  const ids = RENAME_STEPS.map(
    (step, index) => `${timestamp(now, index)}_${name}_phase_${STEP_FACTS[step].phase}_${step}`,
  );
  return RENAME_STEPS.map((step, index) => ({
    ...code[step],
    ...STEP_FACTS[step],
    step,
    id: ids[index] ?? '',
    release: releases[STEP_FACTS[step].phase - 1] ?? releases[2],
    after: ids[index - 1] ?? null,
    breaks: breaking.includes(step) ? `<${releases[1]}` : null,
  }));
}

/** YYYYMMDDHHMMSS in UTC, some seconds on. */
export function timestamp(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1_000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
}

/** Every function and trigger of the sync, in the order in which they are made. */
export function planBodies(facts: SyncFacts, change: Rename): PlannedBody[] {
  return (['first', 'moved', 'last'] as const).flatMap((place) =>
    ([1, 2] as const).flatMap((phase) => {
      if (!syncPlaces(change, phase).includes(place)) return [];
      const { functionName, triggerName } = namesAt(change, place, phase);
      const body = { phase, place, ...viewOf(facts, change, phase, place) };
      const trigger = { kind: 'trigger' as const, name: triggerName, ...body };
      // The trigger for rows that are only moved runs the first one's function.
      return place === 'moved' ? [trigger] : [{ kind: 'function' as const, name: functionName, ...body }, trigger];
    }),
  );
}

function viewOf(facts: SyncFacts, change: Rename, phase: 1 | 2, place: SyncPlace): Pick<PlannedBody, 'of' | 'view'> {
  const { retype } = change;
  return retype === null
    ? { of: 'rename', view: syncView(facts, change, phase, place) }
    : { of: 'retype', view: retypeView(facts, { ...change, retype }, phase, place) };
}
