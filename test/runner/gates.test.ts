import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deployedFixture } from '../support/deployed-fixture.ts';
import { R1, R2, R3, type RenameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
beforeEach(async () => {
  const schema = `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL UNIQUE CHECK (old <> ''), other int);
      CREATE INDEX users_other ON users (other, old); INSERT INTO users SELECT n, 'v' || n, n FROM generate_series(1, 100) AS n`;
  fixture = await deployedFixture({ schema }, R1);
});
afterEach(() => fixture.remove());

const migrate = (release: string, window = '0') =>
  fixture.project.phase('migrate', '--release', release, '--straggler-window', window, '--json');

/** Writes past the sync, as a replication worker or a superuser may. */
async function pastTheSync(sql: string): Promise<void> {
  await fixture.database.sql(`SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`);
}

describe('phase 2', () => {
  test('is refused while rows differ, and runs once they are right', async () => {
    await pastTheSync(`UPDATE users SET old = 'changed' || id WHERE id <= 3`);
    expect(await migrate(R2)).toMatchObject({
      code: 4,
      json: { applied: [], error: { code: 'PH2005', details: { mismatches: 3 } } },
    });
    const [gate] = await fixture.database.sql(
      'SELECT passed, error_code FROM phase.gates ORDER BY number DESC LIMIT 1',
    );
    expect(gate).toEqual({ passed: false, error_code: 'PH2005' });
    await fixture.database.sql('UPDATE users SET other = other WHERE id <= 3');
    expect((await migrate(R2)).code).toBe(0);
  });

  test.each([
    ['DROP INDEX users_other_triphase', 'index "users_other_triphase"'],
    ['ALTER TABLE users DROP CONSTRAINT users_old_check_triphase', 'constraint "users_old_check_triphase"'],
    ['DROP TRIGGER "00_sync_users_old_phase_1" ON users', 'trigger "00_sync_users_old_phase_1"'],
    ['ALTER TABLE users DISABLE TRIGGER ALL', 'trigger "00_sync_users_old_phase_1"'],
    [
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_other_triphase'::regclass`,
      'index "users_other_triphase"',
    ],
  ])('is refused after %s', async (sql, missing) => {
    await fixture.database.sql(sql);
    expect(await migrate(R2)).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2007', message: expect.stringContaining(missing) } },
    });
  });
});

describe('a step whose file has another name', () => {
  /** Gives the contract another name, as somebody who tidies up would, and its entry with it. */
  function renamed(edit: (entry: string) => string): void {
    const { project } = fixture;
    const path = Object.keys(project.files()).find((file) => file.endsWith('_phase_3_contract.ts')) ?? '';
    const id = /(\d+_.*)\.ts$/.exec(path)?.[1] ?? '';
    project.write(path.replace(id, '20270101000000_drop_the_old_name'), project.read(path));
    rmSync(join(project.root, path));
    const manifest = project
      .read('db/releases/1.3.0.yml')
      .replace('state: released', 'state: open')
      .replace(/^sum: .*\n/m, '');
    project.write('db/releases/1.3.0.yml', edit(manifest.replace(id, '20270101000000_drop_the_old_name')));
  }

  test('has its gate all the same', async () => {
    await fixture.deploy(R2);
    renamed((manifest) => manifest);
    await pastTheSync(`UPDATE users SET new = 'lost' || id WHERE id <= 3`);
    expect(await migrate(R3)).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2005', details: { mismatches: 3 } } },
    });
    expect((await fixture.project.json('status')).renames).toMatchObject([{ phase: 2 }]);
  });

  test.each([
    ['its step', /^ {4}step: .*\n/m, 'PH3005'],
    ['its rename, phase and step', /^ {4}(step|rename|phase): .*\n/gm, 'PH3019'],
  ])('is an error of integrity without %s', async (_what, lines, code) => {
    await fixture.deploy(R2);
    renamed((manifest) => manifest.replace(lines, ''));
    expect(await migrate(R3)).toMatchObject({ code: 5, json: { error: { code } } });
    expect(await fixture.database.sql('SELECT count(old)::int AS kept FROM users')).toEqual([{ kept: 100 }]);
  });
});

test('a child table of another parent, too, stops both phases', async () => {
  await fixture.database.sql('CREATE TABLE other (old text); CREATE TABLE child () INHERITS (users, other)');
  expect(await migrate(R2)).toMatchObject({
    code: 4,
    json: { error: { code: 'PH2008', message: expect.stringContaining('child') } },
  });
});

describe('phase 3', () => {
  beforeEach(() => fixture.deploy(R2));

  test('is refused inside the straggler window, and status tells count and time', async () => {
    await fixture.database.sql(
      `UPDATE users SET old = 'late' WHERE id = 1; INSERT INTO users (id, old) VALUES (200, 'late too')`,
    );
    expect(await migrate(R3, '10min')).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2006', details: { stragglers: 2 } } },
    });
    const { renames } = await fixture.project.json('status');
    expect(renames).toMatchObject([{ phase: 2, stragglers: 2, lastStragglerAt: expect.stringMatching(/^\d{4}-.*Z$/) }]);
    expect((await migrate(R3, '0')).code).toBe(0);
  });

  test('when a finish is refused nothing is confirmed, and instances of the new release can restart', async () => {
    await fixture.project.json('migrate', '--release', R1);
    await fixture.project.json('finish', '--straggler-window', '0');
    const jump = await fixture.project.json('migrate', '--release', R3);
    await fixture.database.sql(`UPDATE users SET old = 'late' WHERE id = 1`);
    const refused = await fixture.project.phase('finish', '--json');
    expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2006']);
    const waited = await fixture.project.phase('wait', '--release', R3, '--timeout', '0', '--json');
    expect([waited.code, waited.json]).toEqual([0, { ready: true, missing: [] }]);
    expect((await fixture.project.json('status')).held).toEqual(jump.held);
    expect((await fixture.project.json('finish', '--straggler-window', '0')).applied).toEqual(jump.held);
  });

  test('writes of the new release and cascades are no stragglers', async () => {
    await fixture.database.sql(
      `UPDATE users SET new = 'now' WHERE id = 1; INSERT INTO users (id, new) VALUES (200, 'too'); UPDATE users SET other = 1`,
    );
    expect((await migrate(R3, '10min')).code).toBe(0);
  });

  test('a straggler that was rolled back counts, since somebody is alive', async () => {
    await fixture.database.sql(`BEGIN; UPDATE users SET old = 'late' WHERE id = 1; ROLLBACK`);
    expect((await migrate(R3, '10min')).code).toBe(4);
  });

  test.each([
    ['CREATE INDEX only_here ON users (lower(old))', 'index "only_here"'],
    ['CREATE INDEX only_here ON users (other) WHERE old > $$m$$', 'index "only_here"'],
    ['CREATE VIEW report AS SELECT old FROM users', 'report'],
    ['ALTER TABLE users ADD CONSTRAINT only_here CHECK (length(old) < 99)', 'constraint "only_here"'],
    ['CREATE STATISTICS only_here ON other, old FROM users', 'only_here'],
    ['CREATE POLICY only_here ON users USING (old > $$$$)', 'only_here'],
    [
      `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', NEW.old; RETURN NEW; END $$;
      CREATE TRIGGER only_here AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`,
      'trigger "only_here"',
    ],
    [
      `CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER only_here AFTER UPDATE OF old ON users FOR EACH ROW EXECUTE FUNCTION g()`,
      'trigger "only_here"',
    ],
  ])('is refused for what the author of the rename never saw: %s', async (sql, name) => {
    await fixture.database.sql(sql);
    expect(await migrate(R3)).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2008', message: expect.stringContaining(name) } },
    });
    expect((await fixture.project.json('status')).renames).toMatchObject([{ phase: 2 }]);
  });

  test('a function that names another column that begins alike is none of its business', async () => {
    await fixture.database.sql(`ALTER TABLE users ADD COLUMN old_one text;
      CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.old_one := 'x'; /* NEW.old */ RETURN NEW; END $$;
      CREATE TRIGGER fine BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`);
    expect((await migrate(R3)).code).toBe(0);
  });
});
