import { SCRATCH_ASIDE, type TableFacts, type UnsupportedObject } from '../../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Release } from '../../domain/release.ts';
import { type CarriedObject, isTwinned, type Rename, syncTriggers } from '../../domain/rename.ts';
import { type Code, call } from '../code.ts';
import { type FunctionVersion, functionVersions, type KnownVersion } from './function-versions.ts';
import { boundOf, twinsOf } from './names.ts';
import { Parts } from './parts/parts.ts';
import { type PlannedStep, timestamp } from './plan.ts';
import { atOnce, buildTwins, dropTwins } from './steps.ts';
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
  const carried = [...twinsOf(missing, rename.name), ...boundOf(missing)];
  const unversioned = missing.mentions.filter(({ versionName }) => !request.functions.has(versionName));
  const versions = functionVersions({ ...missing, mentions: unversioned }, rename.to, request.functions);
  if (carried.length === 0 && versions.length === 0 && !request.attributesDiffer) return null;
  const part = new Parts(missing, { ...rename, carried });
  const id = `${timestamp(now, 0)}_${rename.name}_phase_3_refresh_${number}`;
  // It binds things to the new column alone, as the contract does.
  const breaks = `<${releases[1]}`;
  const rest = { kind: 'schema', phase: 3, release: request.into, after: null, breaks } as const;
  return {
    step: { step: 'refresh', id, ...rest, ...refreshCode(part, versions, request.attributesDiffer) },
    carried,
    versions,
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

/** The steps of all phases at once: the sync of phase 2 is in place, and the release that uses the old column is gone. */
function refreshCode(part: Parts, versions: readonly FunctionVersion[], attributesDiffer: boolean) {
  const { from, to } = part.rename;
  const same = { on: part.on, from, to };
  const moved: Code[] = [
    ...part.dropForeignKeys(),
    ...part.rebindTriggers('original', 'after'),
    ...part.rebindDependents('switch', 'to new'),
    ...versions.map(({ name, version }) => call('updateFunction', name, { version, revertToVersion: version - 1 })),
  ];
  const back: Code[] = [
    ...versions.map(({ name, version }) => call('updateFunction', name, { version: version - 1 })),
    ...part.rebindDependents('switch', 'back'),
    ...part.rebindTriggers('after', 'original'),
  ];
  return {
    up: [
      ...(attributesDiffer ? [call('copyAttributes', same), call('matchNotNull', same)] : []),
      ...buildTwins(part),
      ...atOnce(moved),
    ],
    down: [
      ...part.returnForeignKeys(),
      ...atOnce(back),
      ...part.restoreOriginals(),
      ...(attributesDiffer ? [call('copyAttributes', { on: part.on, from: to, to: from })] : []),
      ...dropTwins(part),
    ],
    constants: part.constants(),
    transaction: false,
    downTransaction: false,
  };
}

/** What names both columns cannot name one of them twice. */
function namingBoth({
  indexes,
  uniques,
  exclusions,
  checks,
  foreignKeys,
  statistics,
  triggers,
}: TableFacts): UnsupportedObject[] {
  const defined = [...indexes, ...uniques, ...exclusions, ...checks, ...foreignKeys, ...statistics].map((object) => ({
    name: object.name,
    text: object.definition,
  }));
  const fired = triggers.map(({ name, rebound }) => ({ name, text: rebound?.after ?? '' }));
  return [...defined, ...fired]
    .filter(({ text }) => text.includes(`"${SCRATCH_ASIDE}"`))
    .map(({ name }) => ({
      object: quoteIdent(name),
      reason: 'it names both columns, of which one will be left',
      instead: 'Drop it, and make it again after phase 3.',
    }));
}

const BOUND_RULE = {
  kind: 'rule',
  needsPrimaryKey: false,
  waitsForKey: false,
  upserts: false,
  rewrites: false,
  bytes: 0,
} as const;

/** What the rename carries over already, and its twins, left out. */
function withoutCarried(facts: TableFacts, { table, carried, refreshed, sync }: Rename): TableFacts {
  const home = quoteQualified(table);
  const known = new Set([...carried, ...refreshed].map(({ kind, name, on }) => `${kind} ${on ?? home} ${name}`));
  const twins = new Set([...carried, ...refreshed].filter(isTwinned).map(({ twin }) => twin));
  const fresh =
    (kind: CarriedObject['kind']) =>
    ({ name, on }: { readonly name: string; readonly on: QualifiedName | null }) =>
      !known.has(`${kind} ${on === null ? home : quoteQualified(on)} ${name}`) && !twins.has(name);
  const ours = new Set([...syncTriggers(sync, 1), ...syncTriggers(sync, 2)]);
  const missing = {
    ...facts,
    indexes: facts.indexes.filter(fresh('index')),
    uniques: facts.uniques.filter(fresh('unique')),
    primaryKeys: [],
    exclusions: facts.exclusions.filter(fresh('exclusion')),
    checks: facts.checks.filter(fresh('check')),
    foreignKeys: facts.foreignKeys.filter(fresh('foreign key')),
    referencing: facts.referencing.filter(fresh('referencing key')),
    statistics: facts.statistics.filter(
      ({ schema, name }) => !known.has(`statistics ${quoteIdent(schema)} ${name}`) && !twins.has(name),
    ),
    triggers: facts.triggers.filter((trigger) => fresh('trigger')(trigger) && !ours.has(trigger.name)),
    // Whatever writes the old column is gone by then: a rule on the table is bound to the new one like any other.
    dependents: [
      ...facts.dependents.filter((object) => fresh(object.kind)(object)),
      ...facts.rules.filter(fresh('rule on the table')).map((rule) => ({ ...rule, ...BOUND_RULE })),
    ],
    rules: [],
    // Those that hold phase 3 up.
    mentions: facts.mentions.filter(
      ({ triggers, triggersElsewhere }) => triggersElsewhere.length > 0 || triggers.some((name) => !ours.has(name)),
    ),
    unsupported: [
      ...facts.unsupported,
      ...facts.primaryKeys.filter(fresh('primary key')).map(({ name }) => ({
        object: `primary key ${quoteIdent(name)}`,
        reason:
          'it is there since the rename was scaffolded, and moves with phase 3 only where phase 1 has prepared it',
        instead: 'Make it a unique index until phase 3 has run.',
      })),
    ],
  };
  return { ...missing, unsupported: [...missing.unsupported, ...namingBoth(missing)] };
}
