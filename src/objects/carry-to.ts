import type { ObjectFacts, UnsupportedObject } from '../domain/facts.ts';
import { quoteIdent } from '../domain/identifier.ts';
import type { TwinnedObject } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import type { Code } from './code.ts';
import type { AnyKind, TwinnedKind } from './kind.ts';
import { byKind } from './registry.ts';
import { Renaming } from './renaming.ts';
import type { TableFacts } from './table-facts.ts';

/** Where a column goes, and what it is called there. */
interface Place {
  /** What hangs on the column, its definitions rewritten for `aside`. */
  readonly facts: TableFacts;
  readonly aside: string;
  readonly target: TableFacts;
  readonly to: string;
  /** A copy of the target's structure, with the new column. */
  readonly copy: string;
  /** The name that one gets on the other table where its own is taken. */
  otherName(name: string): string;
}

/** What is built on the other table, and how that is undone; and what cannot stand there. */
export interface CarriedTo {
  readonly up: readonly Code[];
  readonly down: readonly Code[];
  readonly refused: readonly UnsupportedObject[];
}

/**
 * Code that builds on the other table what hangs on a column which moves there, for those of some names. PostgreSQL is asked on a copy whether it can stand there: it may
 * name columns that stay. In a transaction that is rolled back.
 */
export async function carriedTo(db: Queryable, place: Place, names: readonly string[]): Promise<CarriedTo> {
  const up: Code[] = [];
  const down: Code[] = [];
  const refused: UnsupportedObject[] = [];
  const open = new Set(names);
  for (const { kind, objects } of byKind(place.facts.objects)) {
    for (const object of objects.filter(({ name }) => open.has(name))) {
      open.delete(object.name);
      if (!isCarriable(kind)) {
        refused.push(notThere(object.name, `a ${kind.noun} is written by hand`));
        continue;
      }
      const there = onTarget(object, place);
      const reason = await whyNot(db, kind, there, place);
      if (reason !== null) {
        refused.push(notThere(object.name, reason));
        continue;
      }
      const renaming = renamingOf(kind, there, place);
      up.push(...(kind.steps.constrain?.up?.(renaming, there) ?? []));
      down.unshift(...(kind.steps.constrain?.down?.(renaming, there) ?? []));
    }
  }
  // A view goes by its qualified name, and is bound by its text.
  const unknown = [...open].map((name) => notThere(name, 'it is written by hand'));
  return { up, down, refused: [...refused, ...unknown] };
}

/** Those that are on the table alone, and are made from a definition. */
function isCarriable(kind: AnyKind): kind is TwinnedKind {
  return kind.carried === 'twin' && kind.place === 'table' && kind.goes !== 'with the primary key';
}

const notThere = (name: string, reason: string): UnsupportedObject => ({
  object: quoteIdent(name),
  reason: `it cannot stand on the other table as it is: ${reason}`,
  instead:
    'Say --drop of it, and write what takes its place as a migration of your own, in the release of the second phase.',
});

/** Its definitions name the new column, as PostgreSQL has rewritten them for another one. */
function onTarget(object: ObjectFacts, { aside, target, to }: Place): ObjectFacts {
  const printed = /^[a-z_][a-z0-9_$]*$/.test(aside) ? aside : quoteIdent(aside);
  const rewritten = Object.entries(object).map(([key, value]) => [
    key,
    typeof value === 'string' && key !== 'name' ? value.replaceAll(printed, quoteIdent(to)) : value,
  ]);
  return { ...(Object.fromEntries(rewritten) as ObjectFacts), on: target.table };
}

function renamingOf(kind: TwinnedKind, object: ObjectFacts, place: Place): Renaming {
  const { facts, target, aside, to, otherName } = place;
  const { name } = object;
  // Names of indexes count in the schema, where the original is until the third phase.
  const taken = kind.family === 'index' ? [...facts.takenNames, ...target.takenNames] : target.takenNames;
  const twin = taken.includes(name) ? otherName(name) : name;
  const carried: TwinnedObject = { kind: kind.name, name, twin };
  const sync = { functions: [], triggers: [], moved: null, last: null, stragglers: { count: '', last: '' } } as const;
  return new Renaming(target, {
    ...{ name: '', table: target.table, from: aside, to, type: '', byteEqual: true, default: 'none', standing: null },
    ...{
      notNull: false,
      carried: [carried],
      refreshed: [],
      versions: [],
      copying: [],
      retype: null,
      partOf: null,
      sync,
    },
  });
}

/** Tried on the copy, where that can be; a key to another table is tried by its own migration. */
async function whyNot(db: Queryable, kind: TwinnedKind, object: ObjectFacts, place: Place): Promise<string | null> {
  const text = kind.finalText?.(object);
  if (text === undefined || text.startsWith('FOREIGN KEY')) return null;
  const statement = text.startsWith('USING')
    ? `CREATE INDEX ON ${place.copy} ${text}`
    : `ALTER TABLE ${place.copy} ADD ${text}`;
  return inSavepoint(db, () => db.query(statement)).then(
    () => null,
    (error: Error) => error.message,
  );
}
