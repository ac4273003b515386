import { expect, test } from '@jest/globals';
import { Writes } from '../../src/app/writes.ts';
import { renameFacts } from '../support/rename-facts.ts';

const rename = renameFacts(
  { name: 'events_kind_to_type', table: 'events', from: 'kind', to: 'type' },
  { table: { schema: 'app', name: 'events' } },
);
const none: ReadonlySet<string> = new Set();
/** A partitioned table that is not on the path, with a partition that is. */
const tables = [
  { schema: 'app', name: 'events', isOnPath: false },
  { schema: 'public', name: 'events_1', isOnPath: true },
];
const verdictOf = async (sql: string) => {
  const writes = await Writes.of([{ rename, phase: 2, old: none, new: none, tables }]);
  const refusal = writes?.refusalOf(sql) ?? null;
  expect(writes?.refusalOf(sql)).toEqual(refusal);
  return refusal === null ? 'runs' : refusal.isByPath ? 'refused by the path' : 'refused';
};

test.each([
  ['UPDATE app.events SET kind = 1', 'refused'],
  ['UPDATE "app"."events" AS e SET (id, KIND) = (1, 2)', 'refused'],
  ['UPDATE events SET kind = 1', 'runs'],
  ['INSERT INTO public.events_1 (kind) VALUES (1)', 'refused'],
  ['INSERT INTO events_1 (kind) VALUES (1)', 'refused by the path'],
  ['COPY app.events (kind) FROM STDIN', 'refused'],
  ['COPY app.events (kind) TO STDOUT', 'runs'],
  ['MERGE INTO app.events e USING x ON x.id = e.id WHEN NOT MATCHED THEN INSERT (kind) VALUES (1)', 'refused'],
  ['WITH w AS (UPDATE app.events SET kind = 1 RETURNING *) SELECT * FROM w', 'refused'],
  [`UPDATE app.events SET kind = ${Array(4_000).fill("'a'").join(' || ')}`, 'refused'],
  ['EXPLAIN UPDATE app.events SET kind = 1', 'runs'],
  ['EXPLAIN (ANALYZE) UPDATE app.events SET kind = 1', 'refused'],
  ['EXPLAIN ANALYZE UPDATE app.events SET kind = 1', 'refused'],
  [`UPDATE app.events SET id = 1 WHERE kind = 'x' RETURNING kind -- kind`, 'runs'],
  [`INSERT INTO app.events (id) SELECT kind FROM app.events`, 'runs'],
  [`SELECT 'UPDATE app.events SET kind = 1'`, 'runs'],
  ['UPDATE app.events SET kind = = 1', 'runs'],
])('%p: %s', async (sql, expected) => {
  expect(await verdictOf(sql)).toBe(expected);
});
