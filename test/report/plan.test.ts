import { expect, test } from '@jest/globals';
import type { OrderedMigration, Plan } from '../../src/domain/plan.ts';
import { planUpgrade } from '../../src/planner/upgrade.ts';
import { planMermaid } from '../../src/report/plan-mermaid.ts';
import { planPage } from '../../src/report/plan-page.ts';
import { planText } from '../../src/report/plan-text.ts';

const RELEASES = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'];
const step = (id: string, release: string, more: Partial<OrderedMigration> = {}): OrderedMigration => ({
  id,
  release,
  kind: 'schema',
  sha256: '',
  touches: ['public.users'],
  ...more,
});
const RENAME = [
  step('1_expand', '1.1.0', { rename: 'users_a_to_b', phase: 1 }),
  step('2_backfill', '1.1.0', { rename: 'users_a_to_b', phase: 1, kind: 'data' }),
  step('3_switch', '1.2.0', { rename: 'users_a_to_b', phase: 2 }),
  step('4_contract', '1.3.0', { rename: 'users_a_to_b', phase: 3, breaks: '<1.2.0' }),
];

function plan(migrations: OrderedMigration[], alive = RELEASES): Plan {
  return planUpgrade({
    migrations,
    renames: new Map(),
    applied: new Set(),
    from: '1.0.0',
    to: '1.4.0',
    alive,
    mode: alive.length === 0 ? 'maintenance' : 'rolling',
    migrated: '1.0.0',
    known: RELEASES,
    released: RELEASES,
  });
}
const jump = plan([...RENAME, step('5_other', '1.4.0', { touches: ['public.posts'] })]);
const refused = plan([...RENAME, step('5_same', '1.4.0')]);
const plain = (_style: string, text: string): string => text;

test('text is grouped by release, what is held last', () => {
  expect(planText(jump, plain)).toBe(
    [
      'from 1.0.0 to 1.4.0',
      'Without downtime: 4 before the roll-out of 1.4.0, 1 held until its finish.',
      '',
      '                            able to run afterwards',
      '1.1.0',
      '  run   schema  1_expand    1.0.0',
      '  run   data    2_backfill  1.0.0 to 1.1.0',
      '',
      '1.2.0',
      '  run   schema  3_switch    1.0.0 to 1.3.0',
      '',
      '1.4.0',
      '  run   schema  5_other     1.0.0 to 1.4.0',
      '',
      'phase finish, after the roll-out of 1.4.0',
      '  held  schema  4_contract  1.2.0 to 1.4.0          breaks <1.2.0  point of no return',
    ].join('\n'),
  );
});

test('text says where to stop, and why', () => {
  expect(planText(refused, plain)).toContain(
    '1.3.0  else 5_same would have to pass 4_contract. Both touch public.users.',
  );
});

test('the page is one file that needs nothing else', () => {
  const page = planPage(jump);
  expect(page).not.toMatch(/<script|<link|\bsrc=|url\(|https?:/);
  expect(page.match(/<html lang="en">/)).not.toBeNull();
});

test('every step of the timeline leads to its details, and back is the way of the browser', () => {
  const page = planPage(jump);
  const targets = [...page.matchAll(/href="#(step-\d+)"/g)].map(([, id]) => id);
  const ids = [...page.matchAll(/<li id="(step-\d+)"/g)].map(([, id]) => id);
  expect(targets.sort()).toEqual(ids.sort());
  expect(ids).toHaveLength(jump.steps.length);
});

test('the page escapes what it is told', () => {
  const page = planPage(plan([step('1_<b>"&', '1.1.0', { breaks: '<1.0.0' })]));
  expect(page).toContain('1_<wbr>&lt;b&gt;&quot;&amp;');
  expect(page).toContain('breaks &lt;1.0.0');
});

test('the page of a jump that is refused says where to stop', () => {
  expect(planPage(refused)).toContain('Stop at 1.3.0');
  expect(planPage(jump)).not.toContain('Why not in one jump');
});

test('with many releases the page names those that can run, instead of drawing them', () => {
  const many = Array.from({ length: 30 }, (_, index) => step(`${index}`, `1.1.${index}`));
  expect(planPage(plan(many))).not.toContain('class="fleet"');
});

test('the diagram has a box for each release, the finish last, and marks what is held', () => {
  const diagram = planMermaid(jump);
  expect([...diagram.matchAll(/subgraph \w+\["(.*)"\]/g)].map(([, title]) => title)).toEqual([
    '1.1.0',
    '1.2.0',
    '1.4.0',
    'phase finish, after the roll-out of 1.4.0',
  ]);
  expect(diagram).toContain('"4_contract<br/>breaks #lt;1.2.0<br/>point of no return<br/>');
  expect(diagram).toContain('from --> s0 --> s1 --> s2 --> s3 --> s4');
  expect(planMermaid(refused)).toContain('s4 -. "must run before" .-> s3');
});
