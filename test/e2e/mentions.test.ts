import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
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
  CREATE FUNCTION called() RETURNS text LANGUAGE sql AS 'SELECT old(u) FROM users u LIMIT 1';
  CREATE FUNCTION twice(a int) RETURNS text LANGUAGE sql AS 'SELECT old FROM users WHERE id = a';
  CREATE FUNCTION twice(a text) RETURNS text LANGUAGE sql AS 'SELECT older FROM users WHERE older = a';
  INSERT INTO users VALUES (1, 'ABC');`;

test('functions whose text names the column get a version to edit, listed with their lines', async () => {
  fixture = await renameFixture({ schema: SCHEMA, cut: [R1] });
  const { project, database, deploy } = fixture;
  const versions = Object.keys(project.files()).filter((path) => /functions\/(?!sync).*sql$/.test(path));
  expect(versions.sort()).toEqual(
    [
      'called_v01',
      'called_v02',
      'find_v01',
      'find_v02',
      'tidy_v01',
      'tidy_v02',
      'twice_integer_v01',
      'twice_integer_v02',
    ].map((name) => `db/functions/${name}.sql`),
  );
  const edited = project.read('db/functions/tidy_v02.sql');
  expect(edited.split('\n')[6]).toContain('NEW.old := lower(NEW.old)');
  project.write('db/functions/tidy_v02.sql', edited.replaceAll('NEW.old', 'NEW.new'));
  project.write(
    'db/functions/find_v02.sql',
    project.read('db/functions/find_v02.sql').replace('WHERE old', 'WHERE new'),
  );
  project.write('db/functions/called_v02.sql', project.read('db/functions/called_v02.sql').replace('old(u)', 'new(u)'));
  const overload = project.read('db/functions/twice_integer_v02.sql');
  project.write('db/functions/twice_integer_v02.sql', overload.replace('SELECT old', 'SELECT new'));
  await project.json('hash');
  for (const release of [R2, R3]) await project.json('release', 'cut', release);
  for (const release of [R1, R2, R3]) await deploy(release);
  expect(await database.sql(`SELECT find('abc') AS id, twice(1) AS overload`)).toEqual([{ id: 1, overload: 'abc' }]);
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
    expect.stringMatching(/called\(\) names "old" .*called_v03\.sql/),
    expect.stringMatching(/find\(what text\) may name "old" .*find_v03\.sql.*edit it/),
    expect.stringMatching(/tidy\(\) names "old" .*tidy_v03\.sql.*Phase 3 refuses/),
    expect.stringMatching(/twice\(a integer\) names "old" .*twice_integer_v03\.sql/),
  ]);
});

test('functions that only look as if they used the column hold nothing up, and need no version', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE env (id int, name text); CREATE TABLE keys (id int, note text); CREATE TABLE kinds (id int);
      CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE v kinds.id%type; BEGIN
        DELETE FROM keys WHERE id = 3; SELECT k.id INTO v FROM kinds k JOIN keys b ON b.id = k.id LIMIT 1; RETURN NEW; END $$;
      CREATE TRIGGER forget BEFORE UPDATE ON env FOR EACH ROW EXECUTE FUNCTION forget(); INSERT INTO env VALUES (1, 'a')`,
    table: 'env',
    from: 'id',
    to: 'env_id',
  });
  expect(Object.keys(fixture.project.files()).filter((path) => path.includes('forget'))).toEqual([]);
  for (const release of [R1, R2, R3]) await fixture.deploy(release);
  expect(await fixture.database.sql(`UPDATE env SET name = 'b' RETURNING env_id`)).toEqual([{ env_id: 1 }]);
});

test('a column whose name has a quote in it is found in functions', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, "e""mail" text); CREATE TABLE log (what text);
      CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW."e""mail"); RETURN NEW; END $$;
      CREATE TRIGGER noted AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION noted()`,
    from: 'e"mail',
    to: 'addr',
    cut: [R1],
  });
  const { project, database, deploy } = fixture;
  project.write('db/functions/noted_v02.sql', project.read('db/functions/noted_v02.sql').replace('"e""mail"', 'addr'));
  await project.json('hash');
  for (const release of [R2, R3]) await project.json('release', 'cut', release);
  for (const release of [R1, R2, R3]) await deploy(release);
  await database.sql(`INSERT INTO users VALUES (1, 'a@x')`);
  expect(await database.sql('SELECT what FROM log')).toEqual([{ what: 'a@x' }]);
});

describe('a field of a row is the column where the row is one of the table', () => {
  const body = (declared: string, statements: string) =>
    `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE ${declared} BEGIN ${statements} END $$;`;
  const onTrigger = (
    statements: string,
  ) => `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN ${statements} RETURN NEW; END $$;
    CREATE TRIGGER f BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f();`;

  const CASES: readonly [string, string, 'names' | 'may name' | null][] = [
    ['an argument', `CREATE FUNCTION f(u users) RETURNS text LANGUAGE sql AS 'SELECT u.old'`, 'names'],
    ['an argument without a name', `CREATE FUNCTION f(users) RETURNS text LANGUAGE sql AS 'SELECT ($1).old'`, 'names'],
    [
      'an argument of another table',
      `CREATE FUNCTION f(o other) RETURNS text LANGUAGE sql AS 'SELECT o.old FROM users'`,
      null,
    ],
    ['a variable of its type', body('u users;', 'SELECT * INTO u FROM users; RETURN (u).old;'), 'names'],
    ['a variable of its row type', body('u users%ROWTYPE;', 'SELECT * INTO u FROM users; RETURN u.old;'), 'names'],
    ['a record', body('u record;', 'SELECT * INTO u FROM users; RETURN u.old;'), 'names'],
    [
      'a record of something',
      body('u record;', 'SELECT * INTO u FROM a_call(); PERFORM 1 FROM users; RETURN u.old;'),
      'may name',
    ],
    [
      'a record of another table',
      body('u record;', 'SELECT * INTO u FROM other; PERFORM 1 FROM users; RETURN u.old;'),
      null,
    ],
    ['the row of a trigger in brackets', onTrigger('PERFORM (NEW).old;'), 'names'],
    [
      'a record of another table that is joined with it',
      body('r record;', 'SELECT o.* INTO r FROM other o JOIN users u ON u.id > 1; RETURN r.old;'),
      null,
    ],
    [
      'rows that a statement has changed',
      `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM n.old FROM n; RETURN NULL; END $$;
      CREATE TRIGGER f AFTER UPDATE ON users REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION f()`,
      'names',
    ],
    ['a row of a query', body('', 'RETURN (SELECT max((u).old) FROM users u);'), 'names'],
    ['a subquery', body('', 'RETURN (SELECT max(x.old) FROM (SELECT * FROM users) x);'), 'may name'],
    [
      'a MERGE',
      body(
        '',
        'MERGE INTO users u USING other o ON o.old = u.id::text WHEN MATCHED THEN UPDATE SET old = NULL; RETURN NULL;',
      ),
      'names',
    ],
    ['a text to run', body('', 'EXECUTE $q$SELECT max(old) FROM users$q$; RETURN NULL;'), 'may name'],
    ['a natural join', body('', 'RETURN (SELECT max(users.old) FROM users NATURAL JOIN other);'), 'names'],
    [
      'a record of another table in a trigger',
      onTrigger('SELECT * INTO r FROM other; RAISE NOTICE $r$%$r$, r.old;'),
      null,
    ],
    ['a join by the column', body('', 'RETURN (SELECT max(id) FROM users JOIN other USING (old));'), 'names'],
    ['a child of the table', body('', `UPDATE kids SET old = 'x'; RETURN NULL;`), 'names'],
    [
      'a natural join that does not name it',
      body('', 'RETURN (SELECT max(id) FROM users NATURAL JOIN other);'),
      'names',
    ],
    [
      'one with a table that has no such column',
      body('', 'RETURN (SELECT max(id) FROM users NATURAL JOIN third);'),
      null,
    ],
    ['a copy of the row', onTrigger('r := NEW; PERFORM r.old;'), 'names'],
    ['another name of the row', onTrigger('PERFORM n.old;').replace('DECLARE', 'DECLARE n ALIAS FOR new;'), 'names'],
    ['a variable of a type that the table gives, in an array', body('a users.old%TYPE[];', 'RETURN a[1];'), 'names'],
    [
      'a table of another schema',
      body('', 'RETURN (SELECT max(old) FROM users);').replace('LANGUAGE', 'SET search_path = apart LANGUAGE'),
      null,
    ],
  ];

  test('as the tree of the body tells', async () => {
    fixture = await renameFixture({ schema: 'SELECT 1; CREATE TABLE users (id int, old text)', cut: [] });
    rmSync(join(fixture.project.root, 'db'), { recursive: true });
    const functions = CASES.map(([, sql], at) => sql.replace(/\bf\b/g, `f_${at}`)).join(';\n');
    await fixture.database.sql(`CREATE TABLE other (old text); CREATE TABLE third (age int); CREATE TABLE kids () INHERITS (users);
      CREATE SCHEMA apart; CREATE TABLE apart.users (old text); ${functions}`);
    const flags = ['--table', 'users', '--from', 'old', '--to', 'newer', '--releases', '2.1,2.2,2.3', '--yes'];
    const { warnings } = await fixture.project.json('new', 'rename-column', ...flags);
    const messages: string[] = warnings
      .filter(({ code }: { code: string }) => code.endsWith('names_column'))
      .map(({ message }: { message: string }) => message);
    const said = CASES.map(([what], at) => {
      const message = messages.find((text) => text.includes(`f_${at}(`));
      return [what, message === undefined ? null : /may name "old"/.test(message) ? 'may name' : 'names'];
    });
    expect(said).toEqual(CASES.map(([what, , says]) => [what, says]));
  });
});

test('functions of one name in several schemas have versions of their own', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int, old text); CREATE SCHEMA other; CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(old) FROM public.users';
      CREATE FUNCTION other.f() RETURNS text LANGUAGE sql AS 'SELECT min(old) FROM public.users'`,
    cut: [],
  });
  expect(Object.keys(fixture.project.files()).filter((path) => /functions\/f_.*v02/.test(path))).toHaveLength(2);
});

test('a function that counts on the order of columns and comes after the first phase stops the next', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int, old text, note text); INSERT INTO users VALUES (1, 'a', 'n')`,
  });
  const { database, project, deploy } = fixture;
  await deploy(R1);
  await database.sql(
    `CREATE TABLE kept (LIKE users); CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'INSERT INTO kept SELECT * FROM users'`,
  );
  const refused = await project.phase('migrate', '--release', R2, '--json');
  expect([refused.code, refused.json.error.code, refused.json.error.message]).toEqual([
    4,
    'PH2008',
    expect.stringContaining('function public.f()'),
  ]);
  await database.sql(
    `CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS 'INSERT INTO kept (id, note) SELECT id, note FROM users'`,
  );
  await deploy(R2);
  await deploy(R3);
});

describe('a copy that nobody has edited', () => {
  const OTHER_TABLE = `CREATE TABLE users (id int PRIMARY KEY, old text); CREATE TABLE orders (id int, buyer int, mail text);
    CREATE FUNCTION note_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      SELECT u.old INTO NEW.mail FROM users u WHERE u.id = NEW.buyer; RETURN NEW; END $$;
    CREATE TRIGGER note_mail BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note_mail(); INSERT INTO users VALUES (1, 'a@x')`;

  async function scaffold(): Promise<void> {
    fixture = await renameFixture({ schema: OTHER_TABLE, cut: [] });
    const path = 'db/functions/note_mail_v02.sql';
    fixture.project.write(path, `-- For phase 2 of the rename of old to new: ...\n${fixture.project.read(path)}`);
    await fixture.project.json('hash', '--no-replay');
  }

  test('is found by check and not frozen, also of a trigger of another table', async () => {
    await scaffold();
    fixture.project.write('package.json', '{ "version": "1.2.0" }');
    const checked = await fixture.project.phase('check', '--no-replay', '--json');
    expect(checked).toMatchObject({
      code: 7,
      json: {
        findings: expect.arrayContaining([
          expect.objectContaining({ code: 'unedited_copy', file: 'db/functions/note_mail_v02.sql', line: 1 }),
        ]),
      },
    });
    await fixture.project.json('release', 'cut', R1);
    expect(await fixture.project.phase('release', 'cut', R2, '--json')).toMatchObject({
      code: 5,
      json: { error: { code: 'PH3020', details: { files: ['db/functions/note_mail_v02.sql'] } } },
    });
  });

  test('of a refresh is not frozen either, in the release that has it', async () => {
    fixture = await renameFixture({ schema: OTHER_TABLE.replace('SELECT u.old', 'SELECT u.id') });
    const { project, database, deploy } = fixture;
    for (const release of [R1, R2]) await deploy(release);
    await database.sql(
      `CREATE FUNCTION read_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.mail := (SELECT u.old FROM users u LIMIT 1); RETURN NEW; END $$;
      CREATE TRIGGER read_mail BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION read_mail()`,
    );
    await project.json('new', 'rename-column', '--refresh', 'users_old_to_new', '--release', '1.2.9', '--yes');
    const cut = () => project.phase('release', 'cut', '1.2.9', '--json');
    const path = 'db/functions/read_mail_v02.sql';
    expect(await cut()).toMatchObject({ code: 5, json: { error: { code: 'PH3020', details: { files: [path] } } } });
    project.write(path, project.read(path).replaceAll('u.old', 'u.new'));
    await project.json('hash', '--no-replay');
    expect((await cut()).code).toBe(0);
    await deploy(R3);
    expect(await database.sql('INSERT INTO orders VALUES (1, 1) RETURNING mail')).toEqual([{ mail: 'a@x' }]);
  });

  test('can be cut once it is edited, and the other table takes rows after phase 3', async () => {
    await scaffold();
    const path = 'db/functions/note_mail_v02.sql';
    fixture.project.write(path, fixture.project.read(path).replaceAll('u.old', 'u.new'));
    await fixture.project.json('hash', '--no-replay');
    for (const release of [R1, R2, R3]) {
      await fixture.project.json('release', 'cut', release);
      await fixture.deploy(release);
    }
    expect(await fixture.database.sql('INSERT INTO orders VALUES (1, 1) RETURNING mail')).toEqual([{ mail: 'a@x' }]);
  });

  test('that came into the database by another way stops phase 3: a hotfix release or an acknowledgement leads on', async () => {
    fixture = await renameFixture({ schema: OTHER_TABLE });
    await fixture.deploy(R1);
    await fixture.deploy(R2);
    const [{ definition }] = await fixture.database.sql(
      `SELECT pg_get_functiondef('note_mail'::regproc) AS definition`,
    );
    await fixture.database.sql(definition.replace('BEGIN', 'BEGIN NULL;'));
    const migrate = () => fixture.project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
    const refused = await migrate();
    const object = 'function public.note_mail() of the trigger note_mail on public.orders, which names "old"';
    expect(refused).toMatchObject({ code: 4, json: { error: { code: 'PH2008', details: { objects: [object] } } } });
    const wrong = await fixture.project.phase('acknowledge', 'users_old_to_new', 'note_mail', '--why', 'x', '--json');
    expect([wrong.code, wrong.json.error.code]).toEqual([2, 'PH1031']);
    await fixture.project.json('acknowledge', 'users_old_to_new', object, '--why', 'orders are closed');
    expect((await migrate()).code).toBe(0);
    expect(await fixture.database.sql('SELECT why FROM phase.acknowledgements')).toEqual([
      { why: 'orders are closed' },
    ]);
  });
});
