import {
  COPIED_ATTRIBUTES,
  type ColumnAttributes,
  type PairAttribute,
  type PairFacts,
  type Side,
} from '../../domain/pair.ts';

/** What has to be done so that both columns agree again after one of them was altered. */
export interface Following {
  /** Attributes that the other column gets from this one. */
  readonly copies: readonly { readonly attribute: PairAttribute; readonly side: Side }[];
  /** The side whose default stands from now on; null when none was changed. */
  readonly default: Side | null;
  /** The side that is no longer NOT NULL, and takes the other one along; null when none was changed so. */
  readonly nullable: Side | null;
  readonly refused: readonly RefusedChange[];
}

/** A change that cannot be followed. */
export interface RefusedChange {
  readonly what: string;
  readonly instead: string;
}

/**
 * What was changed of a pair of columns, and what follows from it.
 * @param names of the two columns, for messages.
 */
export function follow(
  before: PairFacts,
  now: PairFacts,
  { authority, names }: { readonly authority: Side; readonly names: Readonly<Record<Side, string>> },
): Following {
  const changed = (attribute: PairAttribute): Side[] =>
    (['from', 'to'] as const).filter((side) => before[side][attribute] !== now[side][attribute]);
  const winner = (attribute: PairAttribute): Side | null => {
    const sides = changed(attribute);
    return sides.length === 2 ? authority : (sides[0] ?? null);
  };
  const lostNotNull = changed('not null').filter((side) => now[side]['not null'] === null);
  return {
    copies: COPIED_ATTRIBUTES.flatMap((attribute) => {
      const side = winner(attribute);
      return side === null || now.from[attribute] === now.to[attribute] ? [] : [{ attribute, side }];
    }),
    default: winner('default'),
    nullable: lostNotNull[0] ?? null,
    refused: [...refusedTypes(before, now, names), ...refusedDefaults(before, now, names)],
  };
}

function refusedTypes(before: PairFacts, now: PairFacts, names: Readonly<Record<Side, string>>): RefusedChange[] {
  const typeOf = ({ type, collation }: ColumnAttributes): string =>
    `${type}${collation === null ? '' : ` COLLATE ${collation}`}`;
  if (typeOf(now.from) === typeOf(now.to)) return [];
  const side = typeOf(before.from) === typeOf(now.from) ? 'to' : 'from';
  return [
    {
      what: `the type of ${names[side]} is ${typeOf(now[side])} now, and that of the other column is not`,
      instead: `Change both at once by alterType(knex, { on, column: '${names[side]}', type: '${now[side].type}' }) in a migration, or give ${names[side]} its type ${typeOf(before[side])} back.`,
    },
  ];
}

function refusedDefaults(before: PairFacts, now: PairFacts, names: Readonly<Record<Side, string>>): RefusedChange[] {
  const isChanged = (side: Side): boolean => before[side].default !== now[side].default;
  const identity = (['from', 'to'] as const).find((side) => isChanged(side) && now[side].default === 'identity');
  if (identity !== undefined) {
    const what = `${names[identity]} was made an identity`;
    return [{ what, instead: 'Take it back (DROP IDENTITY), and add it after phase 3.' }];
  }
  if (!isChanged('from') || !isChanged('to') || now.from.default === now.to.default) return [];
  return [
    {
      what: `both columns were given defaults, ${names.from} ${now.from.default ?? 'none'} and ${names.to} ${now.to.default ?? 'none'}`,
      instead: 'Give both the same one (setDefault does), or only one of them.',
    },
  ];
}
