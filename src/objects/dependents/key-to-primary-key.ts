import type { DependentFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { lockedByKey } from '../constraints/keys.ts';
import { type FoundKey, hasTwin, keysOn } from '../constraints/read-keys.ts';
import type { BoundKind } from '../kind.ts';

/** A foreign key that references the primary key of a partitioned table, of which PostgreSQL makes none from an index: it is made anew when that has moved. */
export const keyToPrimaryKey: BoundKind<'key to primary key', DependentFacts> = {
  name: 'key to primary key',
  carried: 'bound',
  noun: 'foreign key',
  heading: 'bound to it',
  place: 'table',
  family: 'key',
  freed: 'in phase 3',
  hangsAs: ['foreign key', 'referencing key'],
  waits: true,

  async read(sources) {
    const { out, into } = await keysOn(sources);
    const isOurs = (key: FoundKey): boolean => !hasTwin(sources)(key);
    const found = [...out, ...into].filter(isOurs).sort((a, b) => a.made - b.made);
    return { objects: found.map(factsOf), refused: [] };
  },
  // By the names of `hangsAs`.
  hanging: async () => [],
  locking: ({ name, on, rewrites, bytes }) =>
    rewrites
      ? {
          object: `foreign key ${quoteIdent(name)}${on === null ? '' : ` of ${quoteQualified(on)}`}, which is checked anew`,
          // It reads the table that has it, and looks up the other one by its index.
          bytes,
        }
      : null,
  lockedTables: async (db, root, object, phase) => (phase === 3 ? lockedByKey(db, root, object) : []),
  steps: {},
  rebinding: readKey,
};

function factsOf({ facts: { on, name, validated, enforced }, bytes }: FoundKey): DependentFacts {
  const isChecked = validated && enforced;
  const none = { upserts: false, rewrites: isChecked, bytes: isChecked ? bytes : 0 };
  return { name, on, needsPrimaryKey: true, waitsForKey: true, ...none };
}

/** The key goes while the primary key moves, and is made again by its own text. */
async function readKey(db: Queryable, { name, on = '' }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; checked: boolean; comment: string | null }>(
    db,
    `SELECT pg_get_constraintdef(co.oid) AS definition, obj_description(co.oid, 'pg_constraint') AS comment,
       co.convalidated AND coalesce((to_jsonb(co) ->> 'conenforced')::boolean, true) AS checked
     FROM pg_constraint co WHERE co.conrelid = to_regclass($1) AND co.conname = $2 AND co.contype = 'f'`,
    [on, name],
  );
  if (!row) return null;
  const key = `CONSTRAINT ${quoteIdent(name)}`;
  return {
    before: [],
    stub: [`ALTER TABLE ${on} DROP ${key}`],
    make: [
      `ALTER TABLE ${on} ADD ${key} ${row.definition}`,
      ...(row.comment === null ? [] : [`COMMENT ON ${key} ON ${on} IS ${quoteLiteral(row.comment)}`]),
    ],
    rewrites: row.checked,
  };
}
