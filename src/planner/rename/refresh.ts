import { type ObjectFacts, SCRATCH_ASIDE, type UnsupportedObject } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import { type CarriedObject, isTwinned, type Rename, syncTriggers } from '../../domain/rename.ts';
import { call } from '../../objects/code.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { byKind, KINDS, type ObjectsByKind } from '../../objects/registry.ts';
import { Renaming } from '../../objects/renaming.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import { eachOnce } from './each-once.ts';
import { type FunctionVersion, functionVersions, type KnownVersion } from './function-versions.ts';
import { carriedOf } from './names.ts';
import { constants, ofKinds, type Renamings, rebindDependents } from './object-code.ts';
import { type PlannedStep, timestamp } from './plan.ts';
import { atOnce, bringBack, bringTo, restoreOriginals } from './steps.ts';
import { ensureSupported } from './supported.ts';
import { type Warning, warningsOf } from './warnings.ts';

/** A column of a rename that is refreshed, with what hangs on it now. */
export interface RefreshedColumn {
  readonly rename: Rename;
  readonly facts: TableFacts;
  /** Whether the old column has attributes that the new one lacks. */
  readonly attributesDiffer: boolean;
}

/** What is to be carried over besides what a rename was planned with. */
export interface RefreshRequest {
  /** Releases of the three phases. */
  readonly releases: readonly [Release, Release, Release];
  /** The release that it is written into: that of the third phase, or one between it and the second. */
  readonly into: Release;
  /** The number of this refresh, from 1. */
  readonly number: number;
  readonly now: Date;
  readonly functions: ReadonlyMap<string, KnownVersion>;
  readonly rewriteLimit: number;
}

/** One more migration of phase 3, which runs before the contract, and what it carries over. */
export interface RefreshPlan {
  readonly step: PlannedStep;
  /** Of each column. */
  readonly columns: readonly RefreshedPart[];
  /** New versions of functions. */
  readonly versions: readonly FunctionVersion[];
  readonly warnings: readonly Warning[];
}

/** What is carried over besides of one column. */
interface RefreshedPart {
  readonly rename: Rename;
  readonly carried: readonly CarriedObject[];
  readonly versions: readonly FunctionVersion[];
  readonly copiesAttributes: boolean;
}

/**
 * Plans what a rename does not carry over yet: an index that only production has, a view made last week.
 * @param columns what hangs on each old column now.
 * @returns null when nothing is missing.
 * @throws PH2001 when something cannot be carried over.
 */
export function planRefresh(
  columns: readonly [RefreshedColumn, ...RefreshedColumn[]],
  request: RefreshRequest,
): RefreshPlan | null {
  const { number, now, releases } = request;
  const renames = columns.map(({ rename }) => rename);
  const found = columns.map(({ facts, rename }) => withoutCarried(facts, rename, renames));
  const once = eachOnce(found);
  const missing = found.map(once);
  for (const facts of missing) ensureSupported(facts, request.rewriteLimit);
  const unversioned = missing.map((facts) => ({
    ...facts,
    mentions: facts.mentions.filter(({ versionName }) => !request.functions.has(versionName)),
  }));
  const versions = functionVersions(
    unversioned.map((facts, at) => ({ facts, to: renames[at]?.to ?? '' })),
    request.functions,
  );
  const parts = columns.map(({ rename, attributesDiffer }, at): RefreshedPart => {
    const facts = missing[at] ?? columns[0].facts;
    const own = versions.filter((version) => version.columns.includes(rename.from));
    return { rename, carried: carriedOf(facts, rename.name), versions: own, copiesAttributes: attributesDiffer };
  });
  if (!parts.some((part) => part.carried.length > 0 || part.copiesAttributes) && versions.length === 0) return null;
  const own = parts.map(
    ({ rename, carried }, at) => new Renaming(missing[at] ?? columns[0].facts, { ...rename, carried }),
  );
  const renamings = Renaming.together(...(own as [Renaming, ...Renaming[]]));
  const [{ rename: head }] = columns;
  const id = `${timestamp(now, 0)}_${head.name}_phase_3_refresh_${number}`;
  // It binds things to the new column alone, as the contract does.
  const breaks = `<${releases[1]}`;
  const rest = { kind: 'schema', phase: 3, release: request.into, after: null, breaks } as const;
  return {
    step: { step: 'refresh', id, ...rest, ...refreshCode(renamings, versions, parts) },
    columns: parts,
    versions,
    warnings: unversioned
      .flatMap((facts, at) => warningsOf(facts, renames[at] ?? head, { releases }, versions))
      .filter(({ code }) => !OF_FIRST_PHASE.includes(code)),
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
function refreshCode(renamings: Renamings, versions: readonly FunctionVersion[], parts: readonly RefreshedPart[]) {
  const [{ on }] = renamings;
  const differing = parts.filter(({ copiesAttributes }) => copiesAttributes).map(({ rename }) => rename);
  return {
    up: [
      ...differing.flatMap(({ from, to }) => [
        call('copyAttributes', { on, from, to }),
        call('copyNotNull', { on, from, to }),
      ]),
      ...ofKinds(renamings, 'constrain', 'up', LISTED),
      ...atOnce([
        ...ofKinds(renamings, 'refresh', 'up'),
        ...rebindDependents(renamings, 'in phase 2', 'to new'),
        ...bringTo(versions),
      ]),
    ],
    down: [
      ...ofKinds(renamings, 'refresh', 'restore'),
      ...atOnce([
        ...bringBack(versions),
        ...rebindDependents(renamings, 'in phase 2', 'back'),
        ...ofKinds(renamings, 'refresh', 'down'),
      ]),
      ...restoreOriginals(renamings),
      ...differing.map(({ from, to }) => call('copyAttributes', { on, from: to, to: from })),
      ...ofKinds(renamings, 'constrain', 'down', LISTED),
    ],
    constants: constants(renamings),
    transaction: false,
    downTransaction: false,
  };
}

/** What the rename carries over already, and its twins, left out. */
function withoutCarried(facts: TableFacts, rename: Rename, renames: readonly Rename[]): TableFacts {
  const isFresh = freshIn(rename, renames);
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

/** Whether a rename knows an object, by its kind, its place and its name, or has made it; what only one of its columns carries over, by any of these. */
function freshIn(own: Rename, renames: readonly Rename[]): (kind: AnyKind, object: ObjectFacts) => boolean {
  const home = quoteQualified(own.table);
  const knownTo = (some: readonly Rename[]) =>
    new Set(
      some.flatMap(({ carried, refreshed }) =>
        [...carried, ...refreshed].map(({ kind, name, on }) => `${kind} ${on ?? home} ${name}`),
      ),
    );
  const [toAny, toOwn] = [knownTo(renames), knownTo([own])];
  const made = new Set(
    renames.flatMap(({ carried, refreshed, sync }) => [
      ...[...carried, ...refreshed].filter(isTwinned).map(({ twin }) => twin),
      ...[...syncTriggers(sync, 1), ...syncTriggers(sync, 2)],
    ]),
  );
  return (kind, object) => {
    // It comes with whatever else does.
    if (kind.carried === 'with the column') return true;
    const place =
      kind.carried === 'twin' ? kind.placeOf(object) : object.on === null ? home : quoteQualified(object.on);
    const known = kind.carried === 'twin' || kind.exclusive === true ? toAny : toOwn;
    return !known.has(`${kind.name} ${place} ${object.name}`) && !made.has(object.name);
  };
}

/** What names both columns cannot name one of them twice. */
function namingBoth({ objects }: TableFacts): UnsupportedObject[] {
  return byKind(objects).flatMap(({ kind, objects: ofKind }) =>
    ofKind
      .filter((object) => kind.finalText?.(object)?.includes(`"${SCRATCH_ASIDE}`))
      .map(({ name }) => ({
        object: quoteIdent(name),
        reason: 'it names both columns, of which one will be left',
        instead: 'Drop it, and make it again after phase 3.',
      })),
  );
}
