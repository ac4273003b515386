import { expect, test } from '@jest/globals';
import type { Status } from '../../src/domain/status.ts';
import { statusMetrics } from '../../src/report/openmetrics.ts';

const NOTHING: Status = {
  release: null,
  confirmed: null,
  applied: [],
  started: [],
  pending: [],
  held: [],
  renames: [],
  changes: [],
  runningOut: [],
};

test('a database that nothing was migrated in has counts, and nothing that is not known', () => {
  const samples = statusMetrics(NOTHING)
    .split('\n')
    .filter((line) => !line.startsWith('#') && line !== '');
  expect(samples).toEqual(
    ['applied', 'started', 'pending', 'held'].map((state) => `triphase_migrations{state="${state}"} 0`),
  );
});

test('each rename has its figures, whatever its names hold, and the text ends as it has to', () => {
  const text = statusMetrics({
    ...NOTHING,
    release: '1.2.0',
    confirmed: '1.1.0',
    applied: [
      { id: 'b', kind: 'schema', release: '1.1.0', appliedAt: '2026-11-02T00:00:00.500Z', durationMs: 1 },
      { id: 'a', kind: 'data', release: '1.1.0', appliedAt: '2026-11-01T00:00:00.000Z', durationMs: 1 },
    ],
    held: ['c'],
    renames: [
      {
        name: 'users_"a\\b\nc"',
        table: 'public.users',
        from: 'a',
        to: 'b',
        phase: 2,
        mismatches: 0,
        mismatchesCountedAt: '2026-11-02T00:00:00.000Z',
        stragglers: 3,
        lastStragglerAt: null,
        altered: ['type'],
      },
      {
        name: 'new',
        table: 'public.t',
        from: 'a',
        to: 'b',
        phase: 0,
        mismatches: null,
        mismatchesCountedAt: null,
        stragglers: 0,
        lastStragglerAt: null,
        altered: [],
      },
    ],
  });
  const of = 'rename="users_\\"a\\\\b\\nc\\"",table="public.users"';
  expect(text.split('\n').filter((line) => !line.startsWith('# HELP'))).toEqual([
    '# TYPE triphase_release gauge',
    'triphase_release{state="migrated",release="1.2.0"} 1',
    'triphase_release{state="confirmed",release="1.1.0"} 1',
    '# TYPE triphase_migrations gauge',
    'triphase_migrations{state="applied"} 2',
    'triphase_migrations{state="started"} 0',
    'triphase_migrations{state="pending"} 0',
    'triphase_migrations{state="held"} 1',
    '# TYPE triphase_last_applied_timestamp_seconds gauge',
    '# UNIT triphase_last_applied_timestamp_seconds seconds',
    'triphase_last_applied_timestamp_seconds 1793577600.5',
    '# TYPE triphase_rename_phase gauge',
    `triphase_rename_phase{${of}} 2`,
    'triphase_rename_phase{rename="new",table="public.t"} 0',
    '# TYPE triphase_rename_mismatches gauge',
    `triphase_rename_mismatches{${of}} 0`,
    '# TYPE triphase_rename_mismatches_counted_timestamp_seconds gauge',
    '# UNIT triphase_rename_mismatches_counted_timestamp_seconds seconds',
    `triphase_rename_mismatches_counted_timestamp_seconds{${of}} 1793577600`,
    '# TYPE triphase_rename_stragglers gauge',
    `triphase_rename_stragglers{${of}} 3`,
    'triphase_rename_stragglers{rename="new",table="public.t"} 0',
    '# TYPE triphase_rename_last_straggler_timestamp_seconds gauge',
    '# UNIT triphase_rename_last_straggler_timestamp_seconds seconds',
    '# TYPE triphase_rename_altered gauge',
    `triphase_rename_altered{${of}} 1`,
    'triphase_rename_altered{rename="new",table="public.t"} 0',
    '# EOF',
    '',
  ]);
});
