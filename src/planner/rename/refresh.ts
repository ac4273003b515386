import { type ObjectFacts, SCRATCH_ASIDE, type UnsupportedObject } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import { type CarriedObject, isTwinned, type Rename, syncTriggers } from '../../domain/rename.ts';
import { call } from '../../objects/code.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { byKind, KINDS, type ObjectsByKind } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { type FunctionVersion, functionVersions, type KnownVersion } from './function-versions.ts';
import { carriedOf } from './names.ts';
import { constants, ofKinds, rebindDependents } from './object-code.ts';
import { type PlannedStep, timestamp } from './plan.ts';
import { atOnce, bringBack, bringTo, restoreOriginals } from './steps.ts';
import { ensureSupported } from './supported.ts';
import { type Warning, warningsOf } from './warnings.ts';

/** What is to be carried over besides what a rename was planned with. */
export interface RefreshRequest {
  readonly rename: Rename;
  /** Releases of the three phases. */
  readonly releases: readonly [Release, Release, Release];
  /** The release that it is written into: that of the third phase, or one between it and the second. */
  readonly into: Release;
  /** The number of this refresh, from 1. */
  readonly number: number;
  readonly now: Date;
  readonly functions: ReadonlyMap<string, KnownVersion>;
  /** Whether the old column has attributes that the new one lacks. */
  readonly attributesDiffer: boolean;
  readonly rewriteLimit: number;
}

/** One more migration of phase 3, which runs before the contract, and what it carries over. */
export interface RefreshPlan {
  readonly step: PlannedStep;
  readonly carried: readonly CarriedObject[];
  readonly versions: readonly FunctionVersion[];
  readonly copiesAttributes: boolean;
  readonly warnings: readonly Warning[];
}

/**
 * Plans what a rename does not carry over yet: an index that only production has, a view made last week.
 * @param facts what hangs on the old column now.
 * @returns null when nothing is missing.
 * @throws PH2001 when something cannot be carried over.
 */
export function planRefresh(facts: TableFacts, request: RefreshRequest): RefreshPlan | null {
  const { rename, number, now, releases } = request;
  const missing = withoutCarried(facts, rename);
  ensureSupported(missing, request.rewriteLimit);
  const carried = carriedOf(missing, rename.name);
  const unversioned = missing.mentions.filter(({ versionName }) => !request.functions.has(versionName));
  const versions = functionVersions({ ...missing, mentions: unversioned }, rename.to, request.functions);
  if (carried.length === 0 && versions.length === 0 && !request.attributesDiffer) return null;
  const renaming = new Renaming(missing, { ...rename, carried });
  const id = `${timestamp(now, 0)}_${rename.name}_phase_3_refresh_${number}`;
  // It binds things to the new column alone, as the contract does.
  const breaks = `<${releases[1]}`;
  const rest = { kind: 'schema', phase: 3, release: request.into, after: null, breaks } as const;
  return {
    step: { step: 'refresh', id, ...rest, ...refreshCode(renaming, versions, request.attributesDiffer) },
    carried,
    versions,
    copiesAttributes: request.attributesDiffer,
    warnings: warningsOf({ ...missing, mentions: unversioned }, rename, { releases }, versions).filter(
      ({ code }) => !OF_FIRST_PHASE.includes(code),
    ),
  };
}

/** What they warn of the first phase does, or its backfill. */
const OF_FIRST_PHASE: readonly string[] = [
  'one_more_column',
  'published',
  'rule_rewrites_updates',
  'trigger_fires_on_backfill',
];

/** The first phase has given the new column what the old one has itself, and `copyAttributes` what it lacks. */
const LISTED: readonly AnyKind[] = (KINDS as readonly AnyKind[]).filter(({ carried }) => carried !== 'with the column');

/** The steps of all phases at once: the sync of phase 2 is in place, and the release that uses the old column is gone. */
function refreshCode(renaming: Renaming, versions: readonly FunctionVersion[], attributesDiffer: boolean) {
  const { on, rename } = renaming;
  const { from, to } = rename;
  return {
    up: [
      ...(attributesDiffer ? [call('copyAttributes', { on, from, to }), call('copyNotNull', { on, from, to })] : []),
      ...ofKinds(renaming, 'constrain', 'up', LISTED),
      ...atOnce([
        ...ofKinds(renaming, 'refresh', 'up'),
        ...rebindDependents(renaming, 'in phase 2', 'to new'),
        ...bringTo(versions),
      ]),
    ],
    down: [
      ...ofKinds(renaming, 'refresh', 'restore'),
      ...atOnce([
        ...bringBack(versions),
        ...rebindDependents(renaming, 'in phase 2', 'back'),
        ...ofKinds(renaming, 'refresh', 'down'),
      ]),
      ...restoreOriginals(renaming),
      ...(attributesDiffer ? [call('copyAttributes', { on, from: to, to: from })] : []),
      ...ofKinds(renaming, 'constrain', 'down', LISTED),
    ],
    constants: constants(renaming),
    transaction: false,
    downTransaction: false,
  };
}

/** What the rename carries over already, and its twins, left out. */
function withoutCarried(facts: TableFacts, rename: Rename): TableFacts {
  const isFresh = freshIn(rename);
  const objects: Record<string, ObjectFacts[]> = {};
  const unsupported: UnsupportedObject[] = [...facts.unsupported];
  for (const { kind, objects: ofKind } of byKind(facts.objects)) {
    const fresh = ofKind.filter((object) => isFresh(kind, object));
    objects[kind.name] ??= [];
    if (kind.carried === 'twin' && kind.refuseLate !== undefined) {
      unsupported.push(...fresh.map(kind.refuseLate));
      continue;
    }
    const late = kind.carried === 'bound' ? kind.late : undefined;
    const as = late?.as ?? kind.name;
    objects[as] = [...(objects[as] ?? []), ...(late === undefined ? fresh : fresh.map(late.factsOf))];
  }
  const ours = new Set([...syncTriggers(rename.sync, 1), ...syncTriggers(rename.sync, 2)]);
  const missing = {
    ...facts,
    objects: objects as unknown as ObjectsByKind,
    // Those that hold phase 3 up.
    mentions: facts.mentions.filter(
      ({ triggers, triggersElsewhere }) => triggersElsewhere.length > 0 || triggers.some((name) => !ours.has(name)),
    ),
  };
  return { ...missing, unsupported: [...unsupported, ...namingBoth(missing)] };
}

/** Whether a rename knows an object, by its kind, its place and its name, or has made it. */
function freshIn({ table, carried, refreshed, sync }: Rename): (kind: AnyKind, object: ObjectFacts) => boolean {
  const home = quoteQualified(table);
  const known = new Set([...carried, ...refreshed].map(({ kind, name, on }) => `${kind} ${on ?? home} ${name}`));
  const twins = [...carried, ...refreshed].filter(isTwinned).map(({ twin }) => twin);
  const own = new Set([...twins, ...syncTriggers(sync, 1), ...syncTriggers(sync, 2)]);
  return (kind, object) => {
    // It comes with whatever else does.
    if (kind.carried === 'with the column') return true;
    const place =
      kind.carried === 'twin' ? kind.placeOf(object) : object.on === null ? home : quoteQualified(object.on);
    return !known.has(`${kind.name} ${place} ${object.name}`) && !own.has(object.name);
  };
}

/** What names both columns cannot name one of them twice. */
function namingBoth({ objects }: TableFacts): UnsupportedObject[] {
  return byKind(objects).flatMap(({ kind, objects: ofKind }) =>
    ofKind
      .filter((object) => kind.finalText?.(object)?.includes(`"${SCRATCH_ASIDE}"`))
      .map(({ name }) => ({
        object: quoteIdent(name),
        reason: 'it names both columns, of which one will be left',
        instead: 'Drop it, and make it again after phase 3.',
      })),
  );
}
