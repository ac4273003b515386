import { afterAll, describe, expect, test } from '@jest/globals';
import type { DefaultClass } from '../../../src/domain/rename.ts';
import { R1, R2, type RenameFixture, renameFixture } from '../../support/rename-fixture.ts';
import { modelInsert, modelUpdate, type Row, type Value } from '../../support/sync-model.ts';

/** Values that equality of the type may not tell apart, by type; NULL is among them everywhere. */
interface Case {
  readonly type: string;
  readonly kind: DefaultClass;
  readonly default: string;
  /** The value of the default in the model. */
  readonly standing: Value;
  readonly values: readonly Value[];
}

const CASES: readonly Case[] = [
  { type: 'text', kind: 'none', default: '', standing: null, values: [null, 'a', 'b', ''] },
  { type: 'text', kind: 'constant', default: "DEFAULT 'd'", standing: 'd', values: [null, 'a', 'b', 'd'] },
  { type: 'text', kind: 'volatile', default: 'DEFAULT md5(random()::text)', standing: null, values: [null, 'a', 'b'] },
  { type: 'numeric', kind: 'none', default: '', standing: null, values: [null, '1.0', '1.00', '2'] },
  { type: 'numeric', kind: 'constant', default: 'DEFAULT 1.0', standing: '1.0', values: [null, '1.0', '1.00', '2'] },
  { type: 'json', kind: 'none', default: '', standing: null, values: [null, '{"a": 1}', '{"a":1}', '[]'] },
  { type: 'point', kind: 'none', default: '', standing: null, values: [null, '(0,0)', '(-0,0)', '(1,2)'] },
  { type: 'int[]', kind: 'constant', default: "DEFAULT '{}'", standing: '{}', values: [null, '{}', '{1}', '{1,2}'] },
  { type: 'pair', kind: 'none', default: '', standing: null, values: [null, '(,)', '(1,)', '(1,2)'] },
  { type: 'mood', kind: 'constant', default: "DEFAULT 'ok'", standing: 'ok', values: [null, 'ok', 'sad'] },
];

describe.each(CASES)('$type with a $kind default', (given) => {
  let fixture: RenameFixture;
  afterAll(() => fixture?.remove());

  test.each([1, 2] as const)('follows both tables in phase %i, row by row', async (phase) => {
    fixture ??= await renameFixture({
      schema: `CREATE TYPE pair AS (a int, b int); CREATE TYPE mood AS ENUM ('ok', 'sad');
        CREATE TABLE users (id int PRIMARY KEY, old ${given.type} ${given.default}, other int)`,
    });
    await fixture.deploy(phase === 1 ? R1 : R2);
    await insertsFollow(fixture, given, phase);
    await updatesFollow(fixture, given, phase);
  });
});

async function insertsFollow(
  { database }: RenameFixture,
  { kind, standing, values }: Case,
  phase: 1 | 2,
): Promise<void> {
  for (const old of values) {
    for (const fresh of values) {
      const before = await stragglers(database.sql, phase);
      const [row] = await database.sql(
        'INSERT INTO users (id, old, new) VALUES (1, $1, $2) RETURNING old::text, new::text',
        [old, fresh],
      );
      await database.sql('DELETE FROM users');
      const model = modelInsert({ old, new: fresh }, phase, kind, standing);
      const straggled = (await stragglers(database.sql, phase)) > before;
      expect({ given: { old, new: fresh }, ...row, straggler: straggled }).toEqual({
        given: { old, new: fresh },
        ...model,
      });
    }
  }
}

async function updatesFollow({ database }: RenameFixture, { values }: Case, phase: 1 | 2): Promise<void> {
  for (const start of values) {
    for (const old of values) {
      for (const fresh of values) {
        await startRow(database.sql, { old: start, new: start });
        const before = await stragglers(database.sql, phase);
        const [row] = await database.sql('UPDATE users SET old = $1, new = $2 RETURNING old::text, new::text', [
          old,
          fresh,
        ]);
        const model = modelUpdate({ old: start, new: start }, { old, new: fresh }, phase);
        const straggled = (await stragglers(database.sql, phase)) > before;
        expect({ start, given: { old, new: fresh }, ...row, straggler: straggled }).toEqual({
          start,
          given: { old, new: fresh },
          ...model,
        });
      }
      // A row that came in unsynced is put right by an update of anything.
      await startRow(database.sql, { old: start, new: old });
      const [row] = await database.sql('UPDATE users SET other = 1 RETURNING old::text, new::text');
      const { straggler: _straggler, ...model } = modelUpdate(
        { old: start, new: old },
        { old: start, new: old },
        phase,
      );
      expect({ unsynced: { start, old }, ...row }).toEqual({ unsynced: { start, old }, ...model });
    }
  }
  await database.sql('DELETE FROM users');
}

type Sql = RenameFixture['database']['sql'];

/** Puts a row in past the trigger. */
async function startRow(sql: Sql, { old, new: fresh }: Row): Promise<void> {
  await sql('DELETE FROM users');
  await sql('SET session_replication_role = replica');
  await sql('INSERT INTO users (id, old, new) VALUES (1, $1, $2)', [old, fresh]);
  await sql('SET session_replication_role = origin');
}

async function stragglers(sql: Sql, phase: 1 | 2): Promise<number> {
  if (phase === 1) return 0;
  const [row] = await sql(
    'SELECT CASE WHEN is_called THEN last_value ELSE 0 END::int AS count FROM phase.stragglers_users_old_to_new',
  );
  return row.count;
}
