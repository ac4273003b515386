import type { ObjectFacts } from '../../domain/facts.ts';
import { call } from '../code.ts';
import type { BoundKind } from '../kind.ts';
import { notUnderstood } from '../refusal.ts';
import type { Renaming } from '../renaming.ts';
import { isKnownRule } from './choice.ts';
import { hanging, namesByPosition } from './dependent.ts';
import { dependentsOn, hangingDependents } from './read.ts';

type RuleForm = 'old' | 'both' | 'new';

/** A rule on the table itself, which sees what statements give before the sync does: while both columns are written it takes the value of the side that is given. */
export const tableRule: BoundKind<'rule on the table', ObjectFacts> = {
  name: 'rule on the table',
  carried: 'bound',
  noun: 'rule',
  heading: 'rules of the table',
  place: 'table',
  family: 'rule on the table',
  freed: 'in phase 3',
  // When nobody writes the old column any more it is bound like any other.
  late: {
    as: 'rule',
    factsOf: (object) => ({
      ...object,
      ...{ needsPrimaryKey: false, waitsForKey: false, upserts: false, rewrites: false, bytes: 0 },
    }),
  },

  async read(sources) {
    const found = (await dependentsOn(sources)).filter(({ kind }) => kind === tableRule.name);
    const refused = [];
    for (const one of found) {
      if (!(await isKnownRule(one.text))) refused.push(notUnderstood(one.description));
      refused.push(...(await namesByPosition(one)));
    }
    return { objects: found.map(({ name, on }) => ({ name, on })), refused };
  },
  hanging: async (sources) =>
    (await hangingDependents(sources)).filter(({ kind }) => kind === tableRule.name).map(hanging),

  steps: {
    switch: {
      up: (renaming, object) => [rebound(renaming, object, 'both')],
      down: (renaming, object) => [rebound(renaming, object, 'old')],
    },
    contract: {
      up: (renaming, object) => [rebound(renaming, object, 'new')],
      down: (renaming, object) => [rebound(renaming, object, 'both')],
    },
  },
};

function rebound(renaming: Renaming, { name, on }: ObjectFacts, form: RuleForm) {
  const { from, to } = renaming.rename;
  return call('rebindRule', name, { table: renaming.on, ...renaming.place(on), from, to, form });
}
