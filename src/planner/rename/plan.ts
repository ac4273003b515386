import type { Change } from '../../domain/change.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { firstOfEach } from '../../domain/group.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { MigrationKind, Phase } from '../../domain/manifest.ts';
import type { Release } from '../../domain/release.ts';
import {
  partName,
  RENAME_STEPS,
  type Rename,
  type RenameStepName,
  type RenameSync,
  STEP_FACTS,
  type StepName,
} from '../../domain/rename.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import type { MappingView } from '../mapping/sync.ts';
import type { MoveView } from '../move/sync.ts';
import { type RetypeView, retypeView } from '../retype/sync.ts';
import { eachOnce } from './each-once.ts';
import { type FunctionVersion, functionVersions, type KnownVersion, renamedFunction } from './function-versions.ts';
import { carriedOf, changeName, syncNames } from './names.ts';
import type { Renamings } from './object-code.ts';
import { type StepCode, stepCode } from './steps.ts';
import { ensureSupported } from './supported.ts';
import {
  namesAt,
  type SyncMember,
  type SyncMembers,
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
  readonly of: 'rename' | 'retype' | 'on-error' | 'mapping' | 'move/source' | 'move/target' | 'move/missing';
  readonly view: SyncView | RetypeView | OnErrorView | MappingView | MoveView;
}

/** What the function is filled with that has a result for every value of a column. Every field is SQL, but for the name of the change. */
interface OnErrorView {
  readonly rename: string;
  readonly functionName: string;
  /** Names and types. */
  readonly inputs: string;
  readonly to: string;
  readonly forward: string;
  readonly instead: string;
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

/** A column that is to be renamed, and its new name. */
export interface RenamedColumn {
  readonly facts: TableFacts;
  readonly to: string;
}

/**
 * Plans a rename from what was found on the table: of one column, or of several at the same moment, which one sync keeps in step.
 * @throws PH2001 when something on a column cannot be carried over.
 */
export function planRename(columns: readonly [RenamedColumn, ...RenamedColumn[]], request: RenameRequest): RenamePlan {
  for (const { facts } of columns) {
    if (columns.length > 1) ensureNotGenerated(facts);
    ensureSupported(facts, request.rewriteLimit);
  }
  const versions = functionVersions(columns, request.functions);
  const renamings = renamingsOf(columns, request, versions);
  const [head, ...parts] = renamings.map(({ rename }) => rename);
  if (head === undefined) throw new TypeError('a rename has a column');
  const members = renamings.map(({ rename }, at) => ({
    rename,
    facts: syncFactsOf((columns[at] ?? columns[0]).facts),
  }));
  return {
    rename: head,
    parts,
    steps: plannedSteps(
      head.name,
      stepCode(renamings, { versions, quietTriggers: request.quietTriggers ?? false }),
      request,
      ['contract'],
    ),
    bodies: planBodies(members as [SyncMember, ...SyncMember[]]),
    versions,
    warnings: firstOfEach(
      columns.flatMap(({ facts }, at) => warningsOf(facts, renamings[at]?.rename ?? head, request, versions)),
      ({ message }) => message,
    ),
  };
}

/** What it is computed from may be renamed with it, and then its expression names what is not there yet. @throws PH2001 */
function ensureNotGenerated({ table, column }: TableFacts): void {
  if (column.generated === null) return;
  const object = {
    object: `generated column ${column.name}`,
    reason: 'nobody writes it, so that it has no part in the sync of the others',
    instead: 'Leave it out, and rename it by a change of its own.',
  };
  throw new PhaseError('PH2001', { table: quoteQualified(table), column: column.name, objects: [object] });
}

/** Each column with what it carries over: what hangs on several of them one does. */
function renamingsOf(
  columns: readonly [RenamedColumn, ...RenamedColumn[]],
  request: RenameRequest,
  versions: readonly FunctionVersion[],
): Renamings {
  const [{ facts }] = columns;
  const once = eachOnce(columns.map((column) => column.facts));
  const pairs = columns.map((column) => ({ from: column.facts.column.name, to: column.to }));
  const name =
    request.name ??
    changeName(
      facts.table.name,
      pairs.map(({ from }) => from),
      pairs.map(({ to }) => to),
    );
  const taken = new Set([...facts.takenNames, ...request.takenFunctions]);
  const all = columns.map((column) => column.facts) as [TableFacts, ...TableFacts[]];
  const sync = syncNames(all, name, { taken, ledgerSchema: request.ledgerSchema });
  const renamings = columns.map((column, at) => {
    const own = once(column.facts, at);
    return new Renaming(own, renameOf(own, column.to, { whole: name, isFirst: at === 0, sync, versions }));
  });
  return Renaming.together(...(renamings as [Renaming, ...Renaming[]]));
}

interface Naming {
  readonly whole: string;
  readonly isFirst: boolean;
  readonly sync: RenameSync;
  readonly versions: readonly FunctionVersion[];
}

function renameOf(facts: TableFacts, to: string, { whole, isFirst, sync, versions }: Naming): Rename {
  const { table, column } = facts;
  const name = isFirst ? whole : partName(whole, table, column.name);
  const own = versions.filter(({ columns }) => columns.includes(column.name));
  return {
    name,
    table,
    from: column.name,
    to,
    type: column.type,
    byteEqual: column.byteEqual,
    default: column.identity ? 'volatile' : (standingDefault(column)?.class ?? 'none'),
    standing: standingDefault(column)?.class === 'constant' ? (standingDefault(column)?.expression ?? null) : null,
    notNull: column.notNull,
    carried: carriedOf(facts, name),
    refreshed: [],
    copying: [],
    retype: null,
    partOf: isFirst ? null : whole,
    sync,
    versions: own.map(renamedFunction(2)),
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

/** Every function and trigger of a sync, in the order in which they are made. @param members all that it keeps in step. */
export function planBodies(members: SyncMembers): PlannedBody[] {
  const [{ rename: change }] = members;
  return (['first', 'moved', 'last'] as const).flatMap((place) =>
    ([1, 2] as const).flatMap((phase) => {
      if (!syncPlaces(change, phase).includes(place)) return [];
      const { functionName, triggerName } = namesAt(change, place, phase);
      const body = { phase, place, ...viewOf(members, phase, place) };
      const trigger = { kind: 'trigger' as const, name: triggerName, ...body };
      // The trigger for rows that are only moved runs the first one's function.
      return place === 'moved' ? [trigger] : [{ kind: 'function' as const, name: functionName, ...body }, trigger];
    }),
  );
}

function viewOf(members: SyncMembers, phase: 1 | 2, place: SyncPlace): Pick<PlannedBody, 'of' | 'view'> {
  const [{ facts, rename: change }] = members;
  const { retype } = change;
  return retype === null
    ? { of: 'rename', view: syncView(members, phase, place) }
    : { of: 'retype', view: retypeView(facts, { ...change, retype }, phase, place) };
}
