import { expect, test } from '@jest/globals';
import type { OrderedMigration } from '../../src/domain/plan.ts';
import type { CarriedObject, Rename } from '../../src/domain/rename.ts';
import { Barrier, reasonToWait } from '../../src/planner/passing.ts';
import { renameFacts } from '../support/rename-facts.ts';

const step = (id: string, more: Partial<OrderedMigration> = {}): OrderedMigration => ({
  id,
  release: '1.0.0',
  kind: 'schema',
  sha256: '',
  ...more,
});
const rename = (name: string, column: string, more: Partial<Rename> = {}): Rename =>
  renameFacts({ name, table: 'users', from: column, to: `${column}_new` }, more);
const wait = (later: Partial<OrderedMigration>, held: Partial<OrderedMigration>, ...renames: Rename[]) =>
  reasonToWait(step('later', later), step('held', held), new Map(renames.map((known) => [known.name, known])));
/** The contracts of two renames of columns of one table, either of them held. */
const contracts = (a: Partial<Rename>, b: Partial<Rename>) => {
  const renames = [rename('a', 'email', a), rename('b', 'phone', b)];
  return [wait({ rename: 'a' }, { rename: 'b' }, ...renames), wait({ rename: 'b' }, { rename: 'a' }, ...renames)];
};

test('steps that touch no table in common pass each other', () => {
  expect(wait({ touches: ['public.a'] }, { touches: ['public.b'] })).toBeNull();
  expect(wait({ touches: [] }, { touches: ['public.b'] })).toBeNull();
});

test('steps that touch the same table do not', () => {
  const reason = { kind: 'tables', tables: ['public.b'] };
  expect(wait({ touches: ['public.a', 'public.b'] }, { touches: ['public.b'] })).toEqual(reason);
});

test('a step whose tables are unknown passes nothing, and nothing passes it', () => {
  expect(wait({}, { touches: ['public.a'] })).toEqual({ kind: 'unknown', ids: ['later'] });
  expect(wait({ touches: [] }, {})).toEqual({ kind: 'unknown', ids: ['held'] });
});

test('a held step that touches no table breaks something that nobody has seen, and nothing passes it', () => {
  expect(wait({ touches: ['public.a'] }, { touches: [] })).toEqual({ kind: 'unknown', ids: ['held'] });
});

test('a schema and what is in it do not pass each other', () => {
  expect(wait({ touches: ['legacy.a'] }, { touches: ['legacy'] })).toEqual({ kind: 'tables', tables: ['legacy.a'] });
  expect(wait({ touches: ['legacy'] }, { touches: ['legacy.a'] })).toEqual({ kind: 'tables', tables: ['legacy'] });
  expect(wait({ touches: ['legacy_2.a'] }, { touches: ['legacy'] })).toBeNull();
});

test('a declared dependency is waited for, whatever is touched', () => {
  const touches = { touches: ['public.a'] };
  expect(wait({ ...touches, after: ['held'] }, { touches: ['public.b'] })).toEqual({ kind: 'dependency' });
});

test('renames of different columns of one table pass each other', () => {
  expect(contracts({}, {})).toEqual([null, null]);
});

test('a rename whose facts are not there passes nothing that touches its table', () => {
  expect(wait({ rename: 'a' }, { rename: 'b' })).toEqual({ kind: 'unknown', ids: ['later', 'held'] });
});

test('the later steps of one rename wait for the earlier', () => {
  expect(wait({ rename: 'a' }, { rename: 'a' }, rename('a', 'email'))).toEqual({ kind: 'dependency' });
});

const index: CarriedObject = { kind: 'index', name: 'both_idx', twin: 'both_idx_triphase' };
const unique: CarriedObject = { kind: 'unique', name: 'both_idx', twin: 'both_idx_triphase' };
test.each<[string, Partial<Rename>, Partial<Rename>]>([
  ['an index', { carried: [index] }, { carried: [index] }],
  ['an index of a refresh', { refreshed: [index] }, { carried: [index] }],
  ['an index that became a constraint', { carried: [index] }, { carried: [unique] }],
  ['a column, renamed again', { to: 'phone' }, {}],
  ['a column whose name is given anew', {}, { to: 'email' }],
  [
    'a view',
    { carried: [{ kind: 'view', name: '"public"."v"' }] },
    { carried: [{ kind: 'view', name: '"public"."v"' }] },
  ],
  [
    'a foreign key seen from both ends',
    { carried: [{ kind: 'foreign key', name: 'fk', twin: 'fk_triphase' }] },
    {
      table: { schema: 'public', name: 'groups' },
      carried: [{ kind: 'referencing key', name: 'fk', twin: 'fk_triphase', on: '"public"."users"' }],
    },
  ],
])('renames that share %s wait for each other', (_what, a, b) => {
  expect(contracts(a, b)).toMatchObject([{ kind: 'object' }, { kind: 'object' }]);
});

test('the index of held steps finds what the rule refuses, also where neither step touches the other table', () => {
  const users = rename('a', 'email', { carried: [{ kind: 'foreign key', name: 'fk', twin: 'fk_triphase' }] });
  const groups = rename('b', 'id', {
    table: { schema: 'public', name: 'groups' },
    carried: [{ kind: 'referencing key', name: 'fk', twin: 'fk_triphase', on: '"public"."users"' }],
  });
  const barrier = new Barrier(new Map([users, groups].map((known) => [known.name, known])));
  barrier.add(step('held', { rename: 'a', touches: ['public.users'] }));
  const later = step('later', { rename: 'b', touches: ['public.groups'] });
  expect([...barrier.against(later)].map(({ reason }) => reason.kind)).toEqual(['object']);
});

test('objects of one name on different tables are different objects', () => {
  const policy: CarriedObject = { kind: 'policy', name: 'own' };
  expect(contracts({ carried: [policy] }, { carried: [{ ...policy, on: '"public"."groups"' }] })).toEqual([null, null]);
});
