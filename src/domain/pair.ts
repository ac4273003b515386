import type { ColumnFacts, DefaultFacts } from './facts.ts';
import type { DefaultClass } from './rename.ts';

/** What is simply given to the other column, too. Values as `catalog/attributes.ts` reads them. */
export const COPIED_ATTRIBUTES = [
  'storage',
  'compression',
  'statistics',
  'options',
  'comment',
  'privileges',
  'security labels',
] as const;

/** Those that do not depend on its type. */
export const OF_ANY_TYPE = COPIED_ATTRIBUTES.filter(
  (attribute) => attribute !== 'storage' && attribute !== 'compression',
);

/** What the two columns of a rename that is under way have to agree in. */
export const PAIR_ATTRIBUTES = [
  'type',
  'collation',
  ...COPIED_ATTRIBUTES,
  'not null',
  'default',
  'generation',
] as const;
export type PairAttribute = (typeof PAIR_ATTRIBUTES)[number];

/** The old column or the new one. */
export type Side = 'from' | 'to';

/** The attributes of one column; null where it has none. */
export type ColumnAttributes = Readonly<Record<PairAttribute, string | null>> & {
  /** Partitions and children, quoted, in which it is NOT NULL; not there in what earlier versions have written. */
  readonly members?: readonly string[];
};

export type PairFacts = Readonly<Record<Side, ColumnAttributes>>;

/** What the functions of a sync are written for: another one needs others. */
export interface SyncGround {
  readonly type: string;
  readonly default: DefaultClass;
  /** The default, where it is a constant one. */
  readonly standing: string | null;
}

/** The two columns of a rename that is under way, as the runner left them last. */
export interface PairRecord {
  readonly rename: string;
  readonly table: number;
  readonly numbers: Readonly<Record<Side, number>>;
  readonly phase: 1 | 2;
  readonly facts: PairFacts;
  readonly ground: SyncGround;
  /**
   * Functions that phase 2 has brought to a version which somebody has reviewed: MD5 of their bodies, by signature. And the application's triggers as the last
   * phase has left them: MD5 of their definitions, by what messages call them. And twins that were dropped with their originals.
   */
  readonly reviewed: Readonly<Record<string, string>>;
}

/** The name of the column whose own name another one goes by. */
export const ASIDE = 'triphase_aside';

export function otherSide(side: Side): Side {
  return side === 'from' ? 'to' : 'from';
}

/** The side whose value stands where both were given, and that a default which gives different values is on. */
export function authorityIn(phase: 1 | 2): Side {
  return phase === 1 ? 'from' : 'to';
}

/** A default that a column has of its own or, where it has none, of its domain. */
export interface Standing extends DefaultFacts {
  readonly isOfDomain: boolean;
}

/** How `catalog/attributes.ts` calls the default of an identity. */
export const IDENTITY = 'identity';

/** What withholds the default of a domain. */
const WITHHELD = 'NULL';

/**
 * The defaults that the two columns have of their own, where one default stands: a constant one on both, another one on the side of
 * authority.
 */
export function defaultsOf(standing: Standing | null, authority: Side): Readonly<Record<Side, string | null>> {
  if (standing === null) return { from: null, to: null };
  const { expression, class: kind, isOfDomain } = standing;
  const on = (side: Side): string | null => {
    if (kind === 'constant' || side === authority) return isOfDomain ? null : expression;
    return isOfDomain ? WITHHELD : null;
  };
  return { from: on('from'), to: on('to') };
}

/** Whether a column's default, as PostgreSQL prints it, is the one that it should have. */
export function isDefault(printed: string | null, wanted: string | null): boolean {
  return printed === wanted || (wanted === WITHHELD && printed !== null && printed.startsWith(WITHHELD));
}

/** What the sync has to be written for. */
export function groundOf(type: string | null, standing: Standing | null): SyncGround {
  const kind = standing?.class ?? 'none';
  return { type: type ?? '', default: kind, standing: kind === 'constant' ? (standing?.expression ?? null) : null };
}

export function isSameGround(a: SyncGround, b: SyncGround): boolean {
  return a.type === b.type && a.default === b.default && a.standing === b.standing;
}

/** What a column gets when it is given nothing; of an identity the word alone. */
export function standingOf({
  identity,
  default: own,
  domainDefault,
}: Pick<ColumnFacts, 'identity' | 'default' | 'domainDefault'>): Standing | null {
  if (identity) return { expression: IDENTITY, class: 'volatile', immutable: false, isOfDomain: false };
  const standing = own ?? domainDefault;
  return standing === null ? null : { ...standing, isOfDomain: own === null };
}
