import type { RenameStatus, Status } from '../domain/status.ts';

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly unit?: 'seconds';
  readonly samples: readonly Sample[];
}

/**
 * How a database stands, as a text of OpenMetrics 1.0 for whoever collects figures: node_exporter takes it as a file, a
 * gateway by HTTP. All are gauges, since a rename that is undone takes what was counted with it. What was never counted has no sample:
 * that nothing differs is another thing.
 */
export function statusMetrics(status: Status): string {
  return [...families(status).flatMap(lines), '# EOF', ''].join('\n');
}

function families({ release, confirmed, applied, started, pending, held, renames }: Status): Family[] {
  const counts = { applied: applied.length, started: started.length, pending: pending.length, held: held.length };
  const last = seconds(
    applied
      .map(({ appliedAt }) => appliedAt)
      .sort()
      .at(-1) ?? null,
  );
  return [
    {
      name: 'triphase_release',
      help: 'The release migrated last, and the one confirmed last by a finish.',
      samples: [
        ...(release === null ? [] : [{ labels: { state: 'migrated', release }, value: 1 }]),
        ...(confirmed === null ? [] : [{ labels: { state: 'confirmed', release: confirmed }, value: 1 }]),
      ],
    },
    {
      name: 'triphase_migrations',
      help: 'Migrations by their state; started are those that began outside a transaction and did not come to their end.',
      samples: Object.entries(counts).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      name: 'triphase_last_applied_timestamp_seconds',
      help: 'When a migration was applied last.',
      unit: 'seconds',
      samples: sampleOf({}, last),
    },
    ...ofRenames(renames),
  ];
}

function ofRenames(renames: readonly RenameStatus[]): Family[] {
  const family = (name: string, help: string, value: (rename: RenameStatus) => number | null): Family => ({
    name: `triphase_rename_${name}`,
    help,
    ...(name.endsWith('_seconds') ? { unit: 'seconds' } : {}),
    samples: renames.flatMap((rename) => sampleOf({ rename: rename.name, table: rename.table }, value(rename))),
  });
  return [
    family('phase', 'The phase that the database is in; 0 before the first.', ({ phase }) => phase),
    family(
      'mismatches',
      'Rows whose two columns differed when they were counted last.',
      ({ mismatches }) => mismatches,
    ),
    family('mismatches_counted_timestamp_seconds', 'When they were counted.', ({ mismatchesCountedAt }) =>
      seconds(mismatchesCountedAt),
    ),
    family('stragglers', 'Writes to the old column since phase 2.', ({ stragglers }) => stragglers),
    family('last_straggler_timestamp_seconds', 'When the last of them was.', ({ lastStragglerAt }) =>
      seconds(lastStragglerAt),
    ),
    family('altered', 'What was altered by hand of its columns since the last run.', ({ altered }) => altered.length),
  ];
}

function lines({ name, help, unit, samples }: Family): string[] {
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escaped(help)}`,
    ...samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}`),
  ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function sampleOf(labels: Readonly<Record<string, string>>, value: number | null): Sample[] {
  return value === null ? [] : [{ labels, value }];
}

/** Since 1970, as OpenMetrics has it. */
function seconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1_000;
}
