import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
afterEach(() => fixture.remove());

const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, old text, older text);
  CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- old is only named in this comment
  NEW.old := lower(NEW.old);
  RETURN NEW;
END $$;
  CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy();
  CREATE FUNCTION find(what text) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE 'SELECT id FROM users WHERE old = $1' USING what;
END $$;
  CREATE FUNCTION older() RETURNS text LANGUAGE sql AS 'SELECT older FROM users LIMIT 1';
  CREATE FUNCTION elsewhere() RETURNS text LANGUAGE sql AS 'SELECT old FROM (SELECT 1::text AS old) x';
  CREATE FUNCTION twice(a int) RETURNS text LANGUAGE sql AS 'SELECT old FROM users WHERE id = a';
  CREATE FUNCTION twice(a text) RETURNS text LANGUAGE sql AS 'SELECT older FROM users WHERE older = a';
  INSERT INTO users VALUES (1, 'ABC');`;

test('functions whose text names the column get a version to edit, listed with their lines', async () => {
  fixture = await renameFixture({ schema: SCHEMA, cut: [R1] });
  const { project, database, deploy } = fixture;
  const versions = Object.keys(project.files()).filter((path) => /functions\/(?!sync).*sql$/.test(path));
  expect(versions.sort()).toEqual(
    ['find_v01', 'find_v02', 'tidy_v01', 'tidy_v02'].map((name) => `db/functions/${name}.sql`),
  );
  const edited = project.read('db/functions/tidy_v02.sql');
  expect(edited.split('\n')[7]).toContain('NEW.old := lower(NEW.old)');
  project.write('db/functions/tidy_v02.sql', edited.replaceAll('NEW.old', 'NEW.new'));
  project.write(
    'db/functions/find_v02.sql',
    project.read('db/functions/find_v02.sql').replace('WHERE old', 'WHERE new'),
  );
  await project.json('hash');
  for (const release of [R2, R3]) await project.json('release', 'cut', release);
  for (const release of [R1, R2, R3]) await deploy(release);
  expect(await database.sql(`SELECT find('abc') AS id`)).toEqual([{ id: 1 }]);
  await project.json('rollback', '--steps', '2');
  expect(
    await database.sql(`SELECT find('abc') AS id, pg_get_functiondef('tidy'::regproc) ~ 'NEW.old' AS back`),
  ).toEqual([{ id: 1, back: true }]);
});

test('the wizard warns of each with place and line, and of none that only looks alike', async () => {
  fixture = await renameFixture({ schema: SCHEMA, cut: [] });
  // The versions of its functions stay.
  for (const folder of ['renames', 'releases', 'migrate', 'data']) {
    rmSync(join(fixture.project.root, 'db', folder), { recursive: true });
  }
  const flags = [
    '--table',
    'users',
    '--from',
    'old',
    '--to',
    'newer',
    '--name',
    'again',
    '--releases',
    '2.1,2.2,2.3',
    '--yes',
  ];
  const { warnings } = await fixture.project.json('new', 'rename-column', ...flags);
  const messages = warnings
    .filter(({ code }: { code: string }) => code.endsWith('names_column'))
    .map(({ message }: { message: string }) => message);
  expect(messages).toEqual([
    expect.stringMatching(/find\(what text\) names "old" .*find_v03\.sql.*edit it/),
    expect.stringMatching(/tidy\(\) names "old" .*tidy_v03\.sql.*Phase 3 refuses/),
    expect.stringMatching(/twice\(a integer\) names "old" in line 4 of its definition/),
  ]);
});
