import { expect, test } from '@jest/globals';
import type { Manifest } from '../../src/domain/manifest.ts';
import type { Rename } from '../../src/domain/rename.ts';
import { ensureRenamesApart } from '../../src/planner/renames-apart.ts';
import { renameFacts } from '../support/rename-facts.ts';

const rename = (name: string, from: string, to: string): Rename => renameFacts({ name, table: 'users', from, to });

/** Manifests 1.0.0 to 1.9.0 with the phases of renames in the releases that are given. */
function manifests(phases: Record<string, readonly number[]>): Manifest[] {
  return Array.from({ length: 10 }, (_, minor) => ({
    release: `1.${minor}.0`,
    state: 'open',
    sources: [],
    migrations: Object.entries(phases).flatMap(([name, minors]) =>
      minors.flatMap((at, index) =>
        at === minor
          ? [
              {
                id: `${name}_${index}`,
                kind: 'schema' as const,
                sha256: '',
                rename: name,
                phase: (index + 1) as 1 | 2 | 3,
              },
            ]
          : [],
      ),
    ),
  }));
}
const renames = (...list: Rename[]) => new Map(list.map((one) => [one.name, one]));
const check = (phases: Record<string, readonly number[]>, list: Rename[], upTo = '1.9.0') =>
  ensureRenamesApart(manifests(phases), renames(...list), upTo);
const chain = [rename('first', 'a', 'b'), rename('second', 'b', 'c')];

test('a column may be renamed again after its first rename has ended', () => {
  expect(() => check({ first: [1, 2, 3], second: [4, 5, 6] }, chain)).not.toThrow();
});

test.each([
  ['in the release of its phase 3', [3, 4, 5]],
  ['while it is under way', [2, 4, 5]],
  ['together with it', [1, 2, 3]],
])('a second rename of the column %s is refused, and names the files', (_when, second) => {
  const refused = expect(() => check({ first: [1, 2, 3], second }, chain));
  refused.toThrow(expect.objectContaining({ code: 'PH3017' }));
  expect(() => check({ first: [1, 2, 3], second }, chain)).toThrow('db/renames/second.yml');
});

test('a rename without its third phase has not ended', () => {
  expect(() => check({ first: [1, 2], second: [4, 5, 6] }, chain)).toThrow(expect.objectContaining({ code: 'PH3017' }));
});

test('a freed name may be given to another column once the rename that frees it has ended', () => {
  const reuse = [rename('first', 'a', 'b'), rename('second', 'z', 'a')];
  expect(() => check({ first: [1, 2, 3], second: [4, 5, 6] }, reuse)).not.toThrow();
  expect(() => check({ first: [1, 2, 3], second: [2, 3, 4] }, reuse)).toThrow(
    expect.objectContaining({ code: 'PH3017' }),
  );
});

test('renames of other columns overlap as they like', () => {
  expect(() =>
    check({ first: [1, 2, 3], second: [1, 2, 3] }, [rename('first', 'a', 'b'), rename('second', 'c', 'd')]),
  ).not.toThrow();
});

test('what only later releases do wrong stops no earlier one', () => {
  expect(() => check({ first: [1, 2, 3], second: [3, 4, 5] }, chain, '1.2.0')).not.toThrow();
});
