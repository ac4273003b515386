import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.ts';
import { STEP_NAMES } from '../../src/domain/rename.ts';
import { orderMigrations } from '../../src/planner/order.ts';

const sha256 = '0'.repeat(64);
const entry = (id: string, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  id,
  kind: 'schema',
  sha256,
  ...more,
});
const manifest = (release: string, migrations: ManifestEntry[]): Manifest => ({
  release,
  state: 'open',
  migrations,
  sources: [],
});
const ids = (manifests: Manifest[]) => orderMigrations(manifests).map(({ id }) => id);
const step = (id: string, rename: string, phase: 1 | 2 | 3) =>
  entry(id, { rename, phase, step: STEP_NAMES.find((name) => id.includes(name)) });

test('release comes before timestamp', () => {
  expect(ids([manifest('1.1.0', [entry('20260101000000_b')]), manifest('1.0.0', [entry('20260202000000_a')])])).toEqual(
    ['20260202000000_a', '20260101000000_b'],
  );
});

test('a dependency beats a timestamp', () => {
  const migrations = [
    entry('20260101000000_child', { after: ['20260202000000_parent'] }),
    entry('20260202000000_parent'),
  ];
  expect(ids([manifest('1.0.0', migrations)])).toEqual(['20260202000000_parent', '20260101000000_child']);
});

test('the steps of a rename keep their order whatever their timestamps say', () => {
  const names = ['5_r_phase_1_expand', '4_r_phase_1_backfill', '3_r_phase_1_constrain'];
  const first = manifest(
    '1.0.0',
    [...names].reverse().map((id) => step(id, 'r', 1)),
  );
  const rest = [
    manifest('1.1.0', [step('2_r_phase_2_switch', 'r', 2)]),
    manifest('1.2.0', [step('1_r_phase_3_contract', 'r', 3)]),
  ];
  expect(ids([...rest, first])).toEqual([...names, '2_r_phase_2_switch', '1_r_phase_3_contract']);
});

test.each([
  [undefined, '<1.2.5'],
  ['<1.2.5', '<1.2.5'],
  ['<1.2.0', '<1.2.0 || <1.2.5'],
])(
  'the third phase of a rename breaks what is older than the second, where the manifest says %s',
  (breaks, expected) => {
    const ordered = orderMigrations([
      manifest('1.1.0', [step('1_r_phase_1_expand', 'r', 1)]),
      manifest('1.2.5', [step('2_r_phase_2_switch', 'r', 2)]),
      manifest('1.3.0', [entry('3_r_phase_3_contract', { rename: 'r', phase: 3, step: 'contract', breaks })]),
    ]);
    expect(ordered.map((migration) => migration.breaks)).toEqual([undefined, undefined, expected]);
  },
);

test('what a refresh adds to the third phase breaks nothing', () => {
  const ordered = orderMigrations([
    manifest('1.2.0', [step('2_r_phase_2_switch', 'r', 2)]),
    manifest('1.3.0', [step('3_r_phase_3_refresh_1', 'r', 3)]),
  ]);
  expect(ordered.map((migration) => migration.breaks)).toEqual([undefined, undefined]);
});

test('a migration that stands again in a later manifest belongs to the lowest release', () => {
  const ordered = orderMigrations([manifest('1.2.0', [entry('1_a')]), manifest('1.0.5', [entry('1_a')])]);
  expect(ordered).toEqual([expect.objectContaining({ id: '1_a', release: '1.0.5' })]);
});

test.each([
  [
    'a circle',
    [manifest('1.0.0', [entry('1_a', { after: ['2_b'] }), entry('2_b', { after: ['1_a'] })])],
    'PH3007',
    ['db/migrate/1_a', 'db/migrate/2_b'],
  ],
  [
    'a dependency that no manifest lists',
    [manifest('1.0.0', [entry('1_a', { after: ['9_x'] })])],
    'PH3008',
    ['db/migrate/1_a', '9_x'],
  ],
  [
    'a dependency on a later release',
    [manifest('1.0.0', [entry('1_a', { after: ['2_b'] })]), manifest('1.1.0', [entry('2_b')])],
    'PH3008',
    ['db/migrate/1_a', 'db/migrate/2_b'],
  ],
  [
    'two phases in one release',
    [manifest('1.0.0', [step('1_r_phase_1_expand', 'r', 1), step('2_r_phase_2_switch', 'r', 2)])],
    'PH3009',
    ['1_r_phase_1_expand', '2_r_phase_2_switch'],
  ],
  [
    'a phase before the one it follows',
    [manifest('1.0.0', [step('2_r_phase_2_switch', 'r', 2)]), manifest('1.1.0', [step('1_r_phase_1_expand', 'r', 1)])],
    'PH3009',
    ['1_r_phase_1_expand', '2_r_phase_2_switch'],
  ],
  [
    'one id with two contents',
    [manifest('1.0.0', [entry('1_a')]), manifest('1.1.0', [entry('1_a', { sha256: '1'.repeat(64) })])],
    'PH3015',
    ['1_a'],
  ],
])('%s is refused and names the files', (_title, manifests, code, files) => {
  expect(() => orderMigrations(manifests)).toThrow(expect.objectContaining({ code }));
  for (const file of files) expect(() => orderMigrations(manifests)).toThrow(file);
});

test('any acyclic history is ordered: every migration once, dependencies and releases respected', () => {
  const history = fc.array(
    fc.record({ release: fc.integer({ min: 0, max: 4 }), after: fc.array(fc.nat(30), { maxLength: 3 }) }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(history, fc.integer(), (items, seed) => {
      // Ids do not follow the list, so that dependencies and timestamps disagree.
      const id = (index: number) => `${String((index * 7919 + Math.abs(seed)) % 100_000).padStart(14, '0')}_m${index}`;
      const entries = items.map(({ release, after }, index) => ({
        release,
        entry: entry(id(index), {
          after: after.filter((other) => other < index && (items[other]?.release ?? 9) <= release).map(id),
        }),
      }));
      const manifests = [0, 1, 2, 3, 4].map((release) =>
        manifest(
          `1.${release}.0`,
          entries.filter((item) => item.release === release).map((item) => item.entry),
        ),
      );
      const ordered = orderMigrations(manifests);
      expect(ordered.map((migration) => migration.id).sort()).toEqual(items.map((_item, index) => id(index)).sort());
      const place = new Map(ordered.map((migration, index) => [migration.id, index]));
      for (const migration of ordered) {
        for (const other of migration.after ?? []) expect(place.get(other)).toBeLessThan(place.get(migration.id) ?? -1);
      }
      const releases = ordered.map((migration) => migration.release);
      expect(releases).toEqual([...releases].sort());
    }),
  );
});

test('ten thousand migrations in five hundred releases are ordered', () => {
  const manifests = Array.from({ length: 500 }, (_, release) =>
    manifest(
      `1.${release}.0`,
      Array.from({ length: 20 }, (_unused, index) => entry(`${String(release * 20 + index).padStart(14, '0')}_m`)),
    ),
  );
  expect(orderMigrations(manifests)).toHaveLength(10_000);
});
