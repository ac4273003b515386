import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createDatabase } from '../support/database.ts';
import { R1, R2, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { openWork } from '../support/work.ts';

let fixture: RenameFixture | undefined;

/** Objects of another role than the one that migrates, and what they would do with its rights. */
const START = `CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, 'a'); CREATE SCHEMA theirs`;

afterEach(async () => {
  await fixture?.remove();
  fixture = undefined;
});

test('a materialized view of another role is filled with the rights of that role', async () => {
  fixture = await renameFixture({
    schema: `${START}; CREATE FUNCTION theirs.mine(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN t || ' for ' || current_user; END $$;
      CREATE MATERIALIZED VIEW theirs.seen AS SELECT theirs.mine(old) AS seen FROM users; CREATE UNIQUE INDEX ON theirs.seen (seen)`,
  });
  const { name } = await fixture.database.role();
  await fixture.database.sql(
    `GRANT ALL ON SCHEMA theirs TO ${name}; GRANT SELECT ON users TO ${name}; ALTER MATERIALIZED VIEW theirs.seen OWNER TO ${name}`,
  );
  await fixture.deploy(R1);
  await fixture.deploy(R2);
  expect(await fixture.database.sql('SELECT seen FROM theirs.seen')).toEqual([{ seen: `a for ${name}` }]);
  await fixture.database.sql(`DROP OWNED BY ${name} CASCADE`);
});

test('a SECURITY DEFINER function that is gone is not made again as ours; with its owner it is', async () => {
  const body = `RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT old FROM public.users LIMIT 1); END $$`;
  fixture = await renameFixture({ schema: `${START}; CREATE FUNCTION theirs.first_user() ${body}` });
  await fixture.deploy(R1);
  await fixture.database.sql('DROP FUNCTION theirs.first_user()');
  const refused = await fixture.project.phase('migrate', '--release', R2, '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2021']);
  expect(await fixture.database.sql(`SELECT FROM pg_proc WHERE proname = 'first_user'`)).toEqual([]);
  await fixture.database.sql(`CREATE FUNCTION theirs.first_user() ${body}`);
  await fixture.deploy(R2);
});

test("what somebody has put where audits could pass on their way into the database is in nobody's way", async () => {
  const database = await createDatabase();
  // The run is known before its end: it stands in the names of its connections.
  const guessed = join(tmpdir(), 'triphase-testrun1');
  writeFileSync(guessed, 'mine');
  try {
    await database.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    const settings = { store: 'database', gzip: false, smallChange: 10 } as const;
    const { context, close } = await openWork(database, { settings });
    const look = 'SELECT id FROM t';
    await context.dataChange('change', {
      key: 'id',
      pre: look,
      change: 'UPDATE t SET id = id RETURNING id',
      post: look,
    });
    await close();
    expect(readFileSync(guessed, 'utf8')).toBe('mine');
  } finally {
    rmSync(guessed, { recursive: true, force: true });
    await database.drop();
  }
});
