import type { Manifest, ManifestEntry } from '../../src/domain/manifest.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Release } from '../../src/domain/release.ts';
import { RENAME_STEPS, type Rename, STEP_FACTS } from '../../src/domain/rename.ts';
import { orderMigrations } from '../../src/planner/order.ts';
import { planUpgrade } from '../../src/planner/upgrade.ts';
import { renameFacts } from './rename-facts.ts';

/** The releases of a made-up shop between what a customer has and what they want. */
export const EXAMPLE_RELEASES: readonly Release[] = [
  ...['1.0.0', '1.1.0', '1.2.0', '2.0.0', '2.1.0', '2.2.0'],
  ...['3.0.0', '3.1.0', '3.2.0', '4.0.0', '4.1.0', '5.0.0'],
];

/** Table, old and new column, and the places of the releases of the three phases. */
const RENAMES: readonly [table: string, from: string, to: string, phases: readonly [number, number, number]][] = [
  ['customers', 'email', 'email_address', [1, 2, 3]],
  ['orders', 'state', 'status', [2, 3, 4]],
  ['books', 'name', 'title', [4, 5, 6]],
  ['customers', 'tel', 'phone', [5, 6, 8]],
  ['orders', 'ref', 'reference', [8, 9, 11]],
];
/** What data migrations work on, three a release; none of it is being renamed. */
const DATA = ['countries', 'prices', 'stock'];

/**
 * Twelve releases, five renames, thirty data migrations, and a table that is dropped.
 * @param more further migrations, by the place of their release.
 */
export function exampleUpgrade({
  maintenance = false,
  more = [],
}: {
  maintenance?: boolean;
  more?: readonly [number, Partial<ManifestEntry>][];
} = {}): Plan {
  const entries: ManifestEntry[][] = EXAMPLE_RELEASES.map(() => []);
  let clock = 20_260_101_000_000;
  const enter = (place: number, name: string, more: Partial<ManifestEntry>): void => {
    entries[place]?.push({ id: `${clock++}_${name}`, kind: 'schema', sha256: '', ...more });
  };
  for (const [table, from, to, phases] of RENAMES) {
    const rename = `${table}_${from}_to_${to}`;
    for (const step of RENAME_STEPS) {
      const { phase, kind } = STEP_FACTS[step];
      const breaks = step === 'contract' ? { breaks: `<${EXAMPLE_RELEASES[phases[1]]}` } : {};
      const facts = { kind, rename, phase, step, touches: [`public.${table}`], ...breaks };
      enter(phases[phase - 1] ?? 0, `${rename}_phase_${phase}_${step}`, facts);
    }
  }
  for (let place = 1; place <= 10; place++) {
    for (const table of DATA) enter(place, `${table}_${place}`, { kind: 'data', touches: [`public.${table}`] });
  }
  enter(10, 'drop_wishes', { touches: ['public.wishes'], breaks: '<4.1.0' });
  for (const [place, entry] of more) enter(place, entry.id ?? 'more', { ...entry, id: `${clock++}_${entry.id}` });
  return planOf(
    EXAMPLE_RELEASES.map((release, place) => ({
      release,
      state: 'released',
      sources: [],
      migrations: entries[place] ?? [],
    })),
    maintenance,
  );
}

function planOf(manifests: readonly Manifest[], maintenance: boolean): Plan {
  return planUpgrade({
    migrations: orderMigrations(manifests),
    renames: new Map(RENAMES.map(([table, from, to]) => [`${table}_${from}_to_${to}`, factsOf(table, from, to)])),
    applied: new Set(),
    from: '1.0.0',
    to: '5.0.0',
    alive: maintenance ? [] : EXAMPLE_RELEASES,
    mode: maintenance ? 'maintenance' : 'rolling',
    migrated: '1.0.0',
    known: EXAMPLE_RELEASES,
    released: EXAMPLE_RELEASES,
  });
}

function factsOf(table: string, from: string, to: string): Rename {
  return renameFacts({ name: `${table}_${from}_to_${to}`, table, from, to });
}
