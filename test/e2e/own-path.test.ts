import { afterEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { onVersions } from '../support/versions.ts';

onVersions((server) => {
  let database: TestDatabase;
  let project: TestProject;

  afterEach(async () => {
    project.remove();
    await database.drop();
  });

  /** What runs within our statements is the application's: its functions find their names by the path of the role, as in its own statements. */
  test('functions of triggers, checks and indexes that name things without a schema run in each phase, and back', async () => {
    database = await createDatabase(server());
    // From 17 on PostgreSQL itself runs them in indexes under no path but its own.
    const [{ indexed }] = await database.sql(`SELECT current_setting('server_version_num')::int < 170000 AS indexed`);
    const [{ own }] = await database.sql('SELECT current_database() AS own');
    const { name, url } = await database.role();
    await database.sql(`GRANT CREATE, TEMPORARY ON DATABASE ${own} TO ${name}; CREATE SCHEMA app AUTHORIZATION ${name}; ALTER ROLE ${name} SET search_path = app;
    SET ROLE ${name}; SET search_path = app;
    CREATE TABLE log (what text); CREATE FUNCTION short(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN left(t, 3); END $$;
    CREATE FUNCTION fine(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN short(t) <> ''; END $$;
    CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW.id::text); RETURN NEW; END $$;
    CREATE TABLE users (id int PRIMARY KEY, old text CHECK (fine(old)));
    ${indexed ? 'CREATE INDEX users_fine ON users (fine(old));' : ''}
    INSERT INTO users SELECT n, 'v' || n FROM generate_series(1, 20) AS n;
    CREATE TRIGGER logged BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION logged(); RESET ROLE; RESET search_path`);
    project = new TestProject(url);
    await project.json('init');
    const releases = [R1, R2, R3].join(',');
    await project.json(
      ...['new', 'rename-column', '--table', 'users', '--from', 'old', '--to', 'new'],
      '--releases',
      releases,
      '--yes',
    );
    for (const release of [R1, R2, R3]) {
      await project.json('release', 'cut', release);
      await project.json('migrate', '--release', release, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
    }
    expect(await database.sql('SELECT count(*)::int AS rows FROM app.users WHERE new IS NOT NULL')).toEqual([
      { rows: 20 },
    ]);
    await project.json('rollback', '--steps', '6');
    expect(await database.sql('SELECT count(*)::int AS rows FROM app.users WHERE old IS NOT NULL')).toEqual([
      { rows: 20 },
    ]);
    await database.sql(`DROP OWNED BY ${name} CASCADE`);
  });
});
