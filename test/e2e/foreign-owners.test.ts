import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createDatabase } from '../support/database.ts';
import { R1, R2, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { openWork, TEST_RUN } from '../support/work.ts';

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
  const guessed = join(tmpdir(), `triphase-${TEST_RUN}`);
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

test('rows of another role’s table that a key takes along are not read, which could run code of that role: they are counted', async () => {
  const database = await createDatabase();
  const { name } = await database.role();
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  await database.sql(`GRANT CREATE ON DATABASE ${own} TO ${name}; CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1), (2);
    CREATE TABLE ours (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE); INSERT INTO ours VALUES (1, 1);
    GRANT REFERENCES, SELECT ON users TO ${name}; SET ROLE ${name}; CREATE SCHEMA theirs; GRANT ALL ON SCHEMA theirs TO PUBLIC;
    CREATE TABLE theirs.caught (who text); GRANT ALL ON theirs.caught TO PUBLIC;
    CREATE FUNCTION theirs.trap() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO theirs.caught VALUES (current_user); RETURN 1; END $$;
    CREATE FUNCTION theirs.planned() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN theirs.trap(); END $$;
    CREATE TABLE theirs.posts (id int PRIMARY KEY, user_id int REFERENCES public.users ON DELETE CASCADE);
    INSERT INTO theirs.posts VALUES (1, 1), (2, 1); GRANT SELECT ON theirs.posts TO PUBLIC; CREATE INDEX ON theirs.posts ((theirs.planned())); RESET ROLE`);
  const settings = { store: 'database', gzip: false, smallChange: 10 } as const;
  const { context, notices, close } = await openWork(database, { settings });
  const look = 'SELECT id FROM users WHERE id = 1';
  await context.dataChange('change', {
    key: 'id',
    pre: look,
    change: 'DELETE FROM users WHERE id = 1 RETURNING id',
  });
  await close();
  expect(await database.sql('SELECT DISTINCT who FROM theirs.caught WHERE who <> $1', [name])).toEqual([]);
  expect(notices.join()).toContain('"theirs"."posts" (2 deleted)');
  expect(notices.join()).not.toContain('"ours"');
  await database.sql(`DROP OWNED BY ${name} CASCADE`);
  await database.drop();
});

test('a trigger that a role with TRIGGER has made does not run with the rights of whoever fills the column', async () => {
  fixture = await renameFixture({ schema: START });
  const { database, project } = fixture;
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  const { name: owner } = await database.role();
  const { name: deployer, url } = await database.role();
  const { name: app } = await database.role();
  await database.sql(`GRANT ${owner} TO ${deployer}; GRANT CREATE ON DATABASE ${own} TO ${deployer}; GRANT ALL ON SCHEMA public TO ${owner};
    ALTER TABLE users OWNER TO ${owner}; GRANT ALL ON users TO ${app}; GRANT ALL ON SCHEMA theirs TO ${app}, PUBLIC; SET ROLE ${app};
    CREATE TABLE theirs.caught (who text); GRANT ALL ON theirs.caught TO PUBLIC;
    CREATE FUNCTION theirs.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO theirs.caught VALUES (current_user); RETURN NEW; END $$;
    CREATE FUNCTION theirs.asked(users) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO theirs.caught VALUES (current_user); RETURN true; END $$;
    CREATE TRIGGER aa_stamp BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION theirs.stamp();
    CREATE TRIGGER bb_asked BEFORE UPDATE ON public.users FOR EACH ROW WHEN (theirs.asked(NEW)) EXECUTE FUNCTION suppress_redundant_updates_trigger(); RESET ROLE`);
  project.url = url;
  const refused = async (...command: string[]) => {
    const { code, json } = await project.phase(...command, '--json');
    expect([code, json.error.code]).toEqual([4, 'PH2022']);
    return json.error.details.objects.map(({ object }: Record<string, string>) => object);
  };
  expect(await refused('migrate', '--release', R1)).toEqual([
    'trigger "aa_stamp" of "public"."users" (function theirs.stamp())',
    'trigger "bb_asked" of "public"."users" (function theirs.asked(public.users))',
  ]);
  // A backfill of one's own writes the same table.
  project.write(
    'lib/tasks/tmp/fill.mjs',
    `export async function run(_knex, { backfill }) { await backfill({ table: 'users', set: { old: "'b'" }, where: "old <> 'b'" }); }`,
  );
  await refused('task', 'run', 'fill');
  await database.sql('DROP TRIGGER bb_asked ON users');
  expect(await refused('migrate', '--release', R1)).toHaveLength(1);
  expect(await database.sql('SELECT FROM theirs.caught')).toEqual([]);
  await database.sql(`ALTER FUNCTION theirs.stamp() OWNER TO ${owner}`);
  await fixture.deploy(R1);
  expect(await database.sql('SELECT DISTINCT who FROM theirs.caught')).toEqual([{ who: deployer }]);
  await database.sql(`DROP OWNED BY ${app}, ${deployer}, ${owner} CASCADE`);
});

test('a function that somebody has put where one of the sync would be is not run for it', async () => {
  fixture = await renameFixture({ schema: START });
  const { database, project } = fixture;
  const { name } = await database.role();
  const [first] = Object.keys(project.files()).filter((path) => /db\/functions\/sync_.*phase_1_v01/.test(path));
  const sync = first?.replace(/.*\/(.*)_v01\.sql/, '$1');
  await database.sql(`GRANT CREATE ON SCHEMA public TO ${name}; SET ROLE ${name};
    CREATE FUNCTION public.${sync}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; RESET ROLE`);
  const { code, json } = await project.phase('migrate', '--release', R1, '--json');
  expect([code, json.error.code]).toEqual([4, 'PH2022']);
  expect(json.error.message).toContain(`(function public.${sync}()) belongs to the role ${name}`);
  await database.sql(`ALTER FUNCTION public.${sync}() OWNER TO current_user`);
  await fixture.deploy(R1);
  await database.sql(`DROP OWNED BY ${name} CASCADE`);
});

test('a partition of another role is not written, whose triggers and indexes would run with the rights of whoever fills it', async () => {
  const database = await createDatabase();
  const { name } = await database.role();
  await database.sql(`CREATE TABLE events (id int PRIMARY KEY, old text) PARTITION BY RANGE (id); CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
    INSERT INTO events VALUES (1, 'a'); ALTER TABLE events_1 OWNER TO ${name}; GRANT USAGE, CREATE ON SCHEMA public TO ${name}; SET ROLE ${name};
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.old := current_user; RETURN NEW; END $$;
    CREATE TRIGGER stamp BEFORE UPDATE ON events_1 FOR EACH ROW EXECUTE FUNCTION stamp(); RESET ROLE`);
  const { context, close } = await openWork(database);
  const fill = () => context.backfill({ table: 'events', set: { old: `'b'` }, where: `old = 'a'` });
  await expect(fill()).rejects.toMatchObject({
    code: 'PH2022',
    details: {
      objects: [
        expect.objectContaining({ object: 'table "public"."events_1"', owner: name }),
        expect.objectContaining({ object: 'trigger "stamp" of "public"."events_1" (function public.stamp())' }),
      ],
    },
  });
  await database.sql(`GRANT ${name} TO current_user`);
  await fill();
  await close();
  await database.sql(`DROP OWNED BY ${name} CASCADE`);
  await database.drop();
});
