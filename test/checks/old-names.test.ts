import { expect, test } from '@jest/globals';
import { switchedRenames } from '../../src/checks/old-names.ts';
import type { Manifest, Phase } from '../../src/domain/manifest.ts';
import type { Rename } from '../../src/domain/rename.ts';
import { renameFacts } from '../support/rename-facts.ts';

const first = renameFacts({ name: 'first', table: 'users', from: 'mail', to: 'email' });
const other = renameFacts({ name: 'other', table: 'orders', from: 'price', to: 'mail' });
const again = renameFacts({ name: 'again', table: 'users', from: 'contact', to: 'mail' });
const renames = new Map([first, other, again].map((rename) => [rename.name, rename]));

const manifest = (release: string, ...steps: [Rename, Phase][]): Manifest => ({
  release,
  state: 'open',
  migrations: steps.map(([{ name }, phase]) => ({
    id: `${release} ${name}`,
    kind: 'schema',
    sha256: '',
    rename: name,
    phase,
  })),
  sources: [],
});
const manifests = [
  manifest('1.1.0', [first, 1]),
  manifest('1.2.0', [first, 2], [other, 1]),
  manifest('1.3.0', [first, 3]),
  manifest('1.4.0', [again, 1]),
  manifest('1.5.0', [again, 2]),
];

test.each([
  ['1.1.0', 'before the second phase', []],
  ['1.2.0', 'from the second phase on, whatever is called so in another table', [first]],
  ['1.3.0', 'after the third', [first]],
  ['1.4.0', 'not once the name belongs to another column of the table', []],
  ['1.5.0', 'the next name', [again]],
])('old names are forbidden in %s: %s', (release, _what, expected) => {
  expect(switchedRenames(manifests, renames, release)).toEqual(expected);
});

test('an old name is free after the released third phase', () => {
  const cut = manifests.slice(0, 3).map((each): Manifest => ({ ...each, state: 'released' }));
  expect(switchedRenames(cut, renames, '1.3.0')).toEqual([first]);
  expect(switchedRenames(cut, renames, '1.3.1')).toEqual([]);
  expect(switchedRenames(manifests.slice(0, 3), renames, '1.3.1')).toEqual([first]);
});
