import { afterEach, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { onVersions } from '../support/versions.ts';

onVersions((server) => {
  let database: TestDatabase | undefined;
  let project: TestProject | undefined;
  let fixture: RenameFixture | undefined;
  afterEach(async () => {
    project?.remove();
    await database?.drop();
    await fixture?.remove();
    project = database = fixture = undefined;
  });

  const USERS = `CREATE TABLE users (id int PRIMARY KEY, email text, note text); CREATE TABLE arch (id int, email text, note text, at timestamptz DEFAULT now()); CREATE TABLE past (id int, email text, note text);`;
  const trigger = (
    body: string,
  ): string => `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NULL; END $$;
  CREATE TRIGGER keep AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep();`;
  const before = (body: string): string => trigger(body).replace('AFTER UPDATE OR DELETE', 'BEFORE UPDATE');
  const plain = (returns: string, language: string, body: string): string =>
    `CREATE FUNCTION keep() RETURNS ${returns} LANGUAGE ${language} AS $$ ${body} $$;`;

  const POSITIONAL: readonly [string, string][] = [
    ['NEW made of values', before(`NEW := ROW(NEW.id, lower(NEW.email), NEW.note); RETURN NEW;`)],
    ['a row of values that a trigger returns', before(`RETURN (NEW.id, NEW.email, btrim(NEW.note));`)],
    ['values into NEW', before(`SELECT NEW.id, lower(NEW.email), NEW.note INTO NEW; RETURN NEW;`)],
    ['a row of another table into NEW', before(`SELECT * INTO NEW FROM arch WHERE id = NEW.id; RETURN NEW;`)],
    [
      'a record of values that a trigger returns',
      before(`r := (NEW.id, NEW.email, NEW.note); RETURN r;`).replace('BEGIN', 'DECLARE r record; BEGIN'),
    ],
    ['a text as a row', plain('text', 'plpgsql', "DECLARE r users; BEGIN r := '(1,x,y)'; RETURN r.note; END")],
    ['a text that is cast to a row', plain('text', 'sql', "SELECT ('(1,x,y)'::users).note")],
    [
      'a row of another table',
      plain('text', 'plpgsql', 'DECLARE r users; BEGIN SELECT * INTO r FROM arch; RETURN r.note; END'),
    ],
    [
      'a loop over rows of another table',
      plain(
        'void',
        'plpgsql',
        'DECLARE r users; BEGIN FOR r IN SELECT * FROM arch LOOP RAISE NOTICE $r$%$r$, r.note; END LOOP; END',
      ),
    ],
    [
      'what a DELETE of another table returns',
      plain(
        'text',
        'plpgsql',
        'DECLARE r users; BEGIN DELETE FROM arch RETURNING id, email, note INTO r; RETURN r.note; END',
      ),
    ],
    ['rows of another table that it returns', `${plain('SETOF users', 'sql', 'SELECT * FROM past')}`],
    ['what an UPDATE of another table returns', plain('SETOF users', 'sql', 'UPDATE past SET id = id RETURNING *')],
    ['RETURN QUERY of another table', plain('SETOF users', 'plpgsql', 'BEGIN RETURN QUERY SELECT * FROM arch; END')],
    ['a sample', plain('void', 'sql', 'INSERT INTO past SELECT * FROM users TABLESAMPLE SYSTEM (100)')],
    [
      'a row made of JSON from another one',
      plain(
        'void',
        'plpgsql',
        `DECLARE r users; BEGIN INSERT INTO past SELECT * FROM jsonb_populate_record(r, '{"id": 5}'); END`,
      ),
    ],
    [
      'a row of values for a function',
      `CREATE FUNCTION remark(u users) RETURNS text LANGUAGE sql AS 'SELECT u.note'; ${plain('text', 'plpgsql', "BEGIN RETURN remark(ROW(1, 'x', 'y')); END")}`,
    ],
    ['ORDER BY the number of a column', plain('SETOF users', 'sql', 'SELECT * FROM users ORDER BY 3')],
    ['DISTINCT ON the number of a column', plain('SETOF users', 'sql', 'SELECT DISTINCT ON (2) * FROM users')],
    [
      'GROUP BY the numbers of columns',
      plain(
        'bigint',
        'sql',
        'SELECT count(*) FROM (SELECT x.*, count(*) AS c FROM (SELECT * FROM users) x GROUP BY 1, 2, 3) y',
      ),
    ],
    ['COPY', plain('void', 'plpgsql', "BEGIN COPY users TO '/nowhere'; END")],
    ['VALUES (OLD.*)', trigger('INSERT INTO arch VALUES (OLD.*);')],
    ['SELECT NEW.*', trigger('INSERT INTO arch SELECT NEW.*;')],
    ['SELECT (OLD).*', trigger('INSERT INTO arch SELECT (OLD).*;')],
    ['SELECT * FROM the table', plain('void', 'sql', 'INSERT INTO arch SELECT * FROM users')],
    ['SELECT u.*', plain('void', 'plpgsql', 'BEGIN INSERT INTO arch SELECT u.* FROM public.users u WHERE id > 1; END')],
    [
      'DELETE ... RETURNING *',
      plain('void', 'sql', 'WITH d AS (DELETE FROM users WHERE id = 1 RETURNING *) INSERT INTO arch SELECT * FROM d'),
    ],
    ['RETURN QUERY', plain('TABLE (a int, b text, c text)', 'plpgsql', 'BEGIN RETURN QUERY SELECT * FROM users; END')],
    ['the result of a function in SQL', plain('TABLE (a int, b text, c text)', 'sql', 'SELECT * FROM users')],
    [
      'UNION',
      plain('bigint', 'sql', 'SELECT count(*) FROM (SELECT * FROM users UNION ALL SELECT id, email, note FROM arch) x'),
    ],
    [
      'variables one by one',
      plain('text', 'plpgsql', 'DECLARE a int; b text; BEGIN SELECT * INTO a, b FROM users; RETURN b; END'),
    ],
    [
      'beside a row whose type only the catalogue knows',
      plain(
        'void',
        'plpgsql',
        'DECLARE r public.arch%ROWTYPE; BEGIN r.id := 1; INSERT INTO arch SELECT * FROM users; END',
      ),
    ],
    [
      'RETURNING * into variables one by one',
      plain(
        'int',
        'plpgsql',
        'DECLARE a int; b text; BEGIN DELETE FROM users WHERE id = 1 RETURNING * INTO a, b; RETURN a; END',
      ),
    ],
    [
      'a loop over variables one by one',
      plain(
        'void',
        'plpgsql',
        'DECLARE a int; b text; BEGIN FOR a, b IN SELECT * FROM users LOOP RAISE NOTICE $r$%$r$, b; END LOOP; END',
      ),
    ],
    [
      'a cursor',
      plain(
        'text',
        'plpgsql',
        'DECLARE c CURSOR FOR SELECT * FROM users; a int; b text; BEGIN OPEN c; FETCH c INTO a, b; RETURN b; END',
      ),
    ],
    [
      'a cursor that is opened for a query',
      plain(
        'text',
        'plpgsql',
        'DECLARE c refcursor; a int; b text; BEGIN OPEN c FOR SELECT * FROM users; FETCH c INTO a, b; RETURN b; END',
      ),
    ],
    [
      'RETURN QUERY of an UPDATE',
      plain(
        'TABLE (a int, b text, c text)',
        'plpgsql',
        'BEGIN RETURN QUERY UPDATE users SET note = NULL RETURNING *; END',
      ),
    ],
    [
      'a MERGE that names no columns',
      plain(
        'void',
        'plpgsql',
        'BEGIN MERGE INTO users u USING arch a ON a.id = u.id WHEN NOT MATCHED THEN INSERT VALUES (a.id, a.email, a.note); END',
      ),
    ],
    [
      'a record that a row is read into',
      plain(
        'void',
        'plpgsql',
        'DECLARE r record; BEGIN SELECT * INTO r FROM users; INSERT INTO arch VALUES (r.*); END',
      ),
    ],
    [
      'a loop over rows',
      plain(
        'void',
        'plpgsql',
        'DECLARE r record; BEGIN FOR r IN SELECT * FROM users LOOP INSERT INTO arch SELECT r.*; END LOOP; END',
      ),
    ],
    [
      'a variable of the row type',
      plain(
        'void',
        'plpgsql',
        'DECLARE r public.users%ROWTYPE; BEGIN SELECT * INTO r FROM users; INSERT INTO arch VALUES (r.*); END',
      ),
    ],
    ['an argument', 'CREATE FUNCTION keep(u users) RETURNS void LANGUAGE sql AS $$ INSERT INTO arch VALUES (u.*) $$;'],
    [
      'a child of the table',
      `CREATE TABLE kids (age int) INHERITS (users); ${plain('void', 'sql', "INSERT INTO kids VALUES (1, 'a@x', 'n', 5)")}`,
    ],
    ['one side of a join', plain('void', 'sql', 'INSERT INTO arch SELECT u.* FROM users u JOIN arch a USING (id)')],
    [
      'rows that a statement has changed',
      `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO arch SELECT * FROM n; RETURN NULL; END $$;
      CREATE TRIGGER keep AFTER UPDATE ON users REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION keep();`,
    ],
    [
      'an argument by its place',
      `CREATE FUNCTION keep(users) RETURNS void LANGUAGE sql AS $$ INSERT INTO arch SELECT ($1).* $$;`,
    ],
    [
      'the rows before an UPDATE',
      plain(
        'TABLE (a int, b text, c text)',
        'plpgsql',
        'BEGIN RETURN QUERY UPDATE users SET note = NULL RETURNING old.*; END',
      ),
    ],
    [
      'an argument behind one of the output',
      `CREATE FUNCTION keep(OUT n int, u users) LANGUAGE plpgsql AS $$ BEGIN n := 1; INSERT INTO arch VALUES (u.*); END $$;`,
    ],
    [
      'values for an argument of the output',
      `CREATE FUNCTION keep(n int, OUT u users) LANGUAGE plpgsql AS $$ BEGIN SELECT n, 'a', 'b' INTO u; END $$;`,
    ],
    [
      'a variable by the name of its function',
      `CREATE FUNCTION keep(u users) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO arch VALUES (keep.u.*); END $$;`,
    ],
    [
      'RETURNING of another table',
      plain(
        'void',
        'sql',
        'WITH d AS (DELETE FROM arch USING users u WHERE u.id = arch.id RETURNING u.*) INSERT INTO arch SELECT * FROM d',
      ),
    ],
    [
      'a query of WITH that is called like the table',
      plain('void', 'sql', 'WITH users AS (SELECT * FROM users WHERE id > 1) INSERT INTO arch SELECT * FROM users'),
    ],
    ['an INSERT that names no columns', plain('void', 'sql', "INSERT INTO users VALUES (1, 'a@x', 'n')")],
    [
      'a copy of the row',
      trigger('r := NEW; INSERT INTO arch VALUES (r.*);').replace('BEGIN', 'DECLARE r record; BEGIN'),
    ],
    [
      'another name of the row',
      trigger('INSERT INTO arch VALUES (r.*);').replace('BEGIN', 'DECLARE r ALIAS FOR OLD; BEGIN'),
    ],
    ['a variable of another type', trigger('r := OLD;').replace('BEGIN', 'DECLARE r arch; BEGIN')],
    [
      'a row that is read into one',
      plain('void', 'plpgsql', 'DECLARE r arch%ROWTYPE; BEGIN SELECT u.* INTO r FROM users u; END'),
    ],
    ['a row that is read from values', plain('void', 'plpgsql', "DECLARE r users; BEGIN r := ROW(1, 'a@x', 'n'); END")],
    [
      'a row that is read from columns',
      plain('void', 'plpgsql', 'DECLARE r users; BEGIN SELECT id, note, note INTO r FROM arch; END'),
    ],
    [
      'a row that is declared with values',
      plain('void', 'plpgsql', "DECLARE r CONSTANT public.users%ROWTYPE NOT NULL := ROW(1, 'a;@x', 'n'); BEGIN END"),
    ],
    [
      'a row of another type that is declared with one',
      plain('void', 'plpgsql', 'DECLARE r users; z arch DEFAULT r; BEGIN END'),
    ],
    ['a cast of values', plain('text', 'sql', "SELECT (ROW(1, 'a@x', 'n')::users).note")],
    ['values as its result', plain('users', 'sql', "SELECT 1, 'a@x'::text, 'n'::text")],
    ['values that it returns', plain('users', 'plpgsql', "BEGIN RETURN ROW(1, 'a@x', 'n'); END")],
    ['a row of another table as its result', plain('users', 'plpgsql', 'DECLARE r arch; BEGIN RETURN r; END')],
    ['the row as one of another table', plain('arch', 'plpgsql', 'DECLARE r users; BEGIN RETURN r; END')],
    ['names by their order', plain('bigint', 'sql', 'SELECT count(c) FROM users AS u (a, b, c)')],
    ['names of a subquery', plain('bigint', 'sql', 'SELECT count(c) FROM (SELECT * FROM users) AS u (a, b, c)')],
    ['names of WITH', plain('bigint', 'sql', 'WITH u (a, b, c) AS (SELECT * FROM users) SELECT count(c) FROM u')],
    ['a row of a subquery', plain('void', 'sql', 'INSERT INTO arch SELECT (SELECT u FROM users u LIMIT 1).*')],
    [
      'an assignment to several columns',
      plain('void', 'sql', 'UPDATE arch SET (id, email, note) = (SELECT * FROM users u WHERE u.id = arch.id)'),
    ],
    [
      'a comparison',
      plain('bigint', 'sql', 'SELECT count(*) FROM arch WHERE (id, email, note) IN (SELECT * FROM users)'),
    ],
    [
      'rows of a function',
      `CREATE FUNCTION all_users() RETURNS SETOF users LANGUAGE sql AS 'SELECT * FROM users'; ${plain('void', 'sql', '/* users */ INSERT INTO arch SELECT * FROM all_users()')}`,
    ],
  ];

  const HARMLESS: readonly [string, string][] = [
    ['a column by its number in front', plain('SETOF users', 'sql', 'SELECT * FROM users ORDER BY 1')],
    [
      'a text that is run and names its columns',
      plain('void', 'plpgsql', "BEGIN EXECUTE 'INSERT INTO users (id) VALUES (1)'; END"),
    ],
    ['COPY with columns', plain('void', 'plpgsql', "BEGIN COPY users (id) TO '/nowhere'; END")],
    ['NEW from itself', before('NEW := jsonb_populate_record(NEW, $j$[]$j$); RETURN NEW;')],
    ['the row as jsonb', trigger('INSERT INTO arch (note) VALUES (to_jsonb(OLD)::text);')],
    [
      'columns by their names',
      trigger('INSERT INTO arch (id, email) VALUES (OLD.id, OLD.email);').replaceAll('OLD.email', 'OLD.note'),
    ],
    [
      'a row variable',
      plain('text', 'plpgsql', 'DECLARE r users%ROWTYPE; BEGIN SELECT * INTO r FROM users; RETURN r.note; END'),
    ],
    ['rows of the table as such', plain('SETOF users', 'sql', 'SELECT * FROM users')],
    [
      'a record with a row of another table',
      plain(
        'void',
        'plpgsql',
        'DECLARE r record; BEGIN SELECT * INTO r FROM arch; INSERT INTO arch VALUES (r.*); PERFORM 1 FROM users; END',
      ),
    ],
    [
      'an argument of another table',
      'CREATE FUNCTION keep(a arch) RETURNS void LANGUAGE sql AS $$ INSERT INTO arch VALUES (a.*) $$;',
    ],
    [
      'a query of WITH that is called like what it reads',
      plain('void', 'sql', '/* users */ WITH arch AS (SELECT * FROM arch) INSERT INTO arch SELECT * FROM arch'),
    ],
    [
      'rows that go back into the table',
      plain('void', 'plpgsql', 'DECLARE u users; BEGIN u.id := 7; INSERT INTO users VALUES (u.*); END'),
    ],
    [
      'what another table returns',
      plain(
        'void',
        'sql',
        'WITH d AS (UPDATE arch SET at = NULL FROM users u WHERE u.id = arch.id RETURNING arch.*) SELECT 1 FROM d',
      ),
    ],
    [
      'a comment',
      plain(
        'void',
        'plpgsql',
        'DECLARE r record; -- r users%ROWTYPE;\nBEGIN SELECT * INTO r FROM arch; INSERT INTO arch VALUES (r.*); PERFORM 1 FROM users; END',
      ),
    ],
    ['rows of another table', plain('void', 'sql', 'INSERT INTO arch SELECT * FROM arch')],
    ['an INSERT that ends before the column', plain('void', 'sql', 'INSERT INTO users VALUES (1)')],
    ['a function that returns nothing', plain('void', 'sql', 'SELECT * FROM users')],
    ['names that end before it', plain('bigint', 'sql', 'SELECT count(a) FROM users AS u (a)')],
    [
      'a table of another schema',
      `CREATE SCHEMA other; CREATE TABLE other.users (a int, b text); ${plain('void', 'sql', 'INSERT INTO users VALUES (1, $b$x$b$)').replace('LANGUAGE', 'SET search_path = other LANGUAGE')}`,
    ],
    [
      'rows that are made by the names of their fields',
      plain('void', 'sql', "INSERT INTO users SELECT * FROM jsonb_populate_record(NULL::users, '{}')"),
    ],
    ['a comparison of rows with one another', trigger('IF OLD IS DISTINCT FROM NEW THEN RETURN NULL; END IF;')],
    ['a row that is returned', trigger('RETURN NEW;')],
    [
      'a row that is given to a function which takes such',
      `CREATE FUNCTION note_of(u users) RETURNS text LANGUAGE sql AS 'SELECT u.note'; ${plain('bigint', 'sql', 'SELECT count(note_of(u)) FROM users u')}`,
    ],
    [
      'rows as JSON',
      plain(
        'jsonb',
        'sql',
        'SELECT jsonb_agg(to_jsonb(u.*)) FROM users u WHERE u IS NOT NULL AND EXISTS (SELECT * FROM users)',
      ),
    ],
  ];

  /** What the text does not tell: the wizard warns, and refuses nothing. */
  const DOUBTFUL: readonly [string, string][] = [
    ['a row without names in JSON', plain('jsonb', 'sql', 'SELECT to_jsonb(ROW(u.*)) FROM users u')],
    ['a text that is run', plain('void', 'plpgsql', "BEGIN EXECUTE 'INSERT INTO arch SELECT * FROM users'; END")],
    [
      'a text that is run for values',
      plain('void', 'plpgsql', "BEGIN EXECUTE 'INSERT INTO users VALUES ($1, $2, $3)' USING 1, 'a', 'b'; END"),
    ],
    [
      'a text whose rows it returns',
      plain('TABLE (a int, b text, c text)', 'plpgsql', "BEGIN RETURN QUERY EXECUTE 'SELECT * FROM users'; END"),
    ],
    ['a table that is made like it', plain('void', 'plpgsql', 'BEGIN CREATE TEMP TABLE tt (LIKE users); END')],
    ['the row as a text', trigger('PERFORM split_part(OLD::text, $c$,$c$, 2);')],
    ['a function that takes any row', trigger('PERFORM md5(concat(NEW));')],
    ['an array of rows', plain('void', 'plpgsql', 'DECLARE us users[]; BEGIN us[1] := NULL; END')],
    ['rows in an array', plain('int', 'sql', 'SELECT cardinality(array_agg(u)) FROM users u')],
    [
      'a comparison with something else',
      plain('bigint', 'sql', 'SELECT count(*) FROM users u, arch a WHERE u = a.*::text::users'),
    ],
    [
      'a table that is made of them',
      plain('void', 'plpgsql', 'BEGIN CREATE TEMP TABLE kept AS SELECT * FROM users; END'),
    ],
    ['an order by rows', plain('bigint', 'sql', 'SELECT row_number() OVER (ORDER BY u) FROM users u LIMIT 1')],
  ];

  const RENAME = [
    ...['new', 'rename-column', '--table', 'users', '--from', 'email', '--to', 'addr'],
    ...['--releases', `${R1},${R2},${R3}`, '--yes', '--json'],
  ];

  async function wizard(schema: string): Promise<Awaited<ReturnType<TestProject['phase']>>> {
    database = await createDatabase(server());
    await database.sql(schema);
    project = new TestProject(database.url);
    return project.phase(...RENAME);
  }

  async function refused(schema: string, object: string): Promise<void> {
    const ran = await wizard(schema);
    expect({ code: ran.code, error: ran.json.error.code }).toEqual({ code: 4, error: 'PH2001' });
    expect(ran.json.error.message.replaceAll('public.', '')).toContain(object);
    expect(Object.keys((project as TestProject).files())).toEqual([]);
  }

  /** All cases in one schema: what is called `keep` in each has a number of its own. */
  const numbered = (cases: readonly (readonly [string, string])[], from = 0): string =>
    cases.map(([, sql], at) => sql.replace(/\bkeep\b/g, `keep_${from + at}`)).join('\n;');
  /** Which of the cases messages name. */
  const namedIn = (messages: readonly string[], cases: readonly (readonly [string, string])[], from = 0): string[] =>
    cases.filter((_case, at) => messages.some((text) => text.includes(`keep_${from + at}(`))).map(([what]) => what);
  const titles = (cases: readonly (readonly [string, string])[]): string[] => cases.map(([what]) => what);

  /** What is refused, from the message of the wizard. */
  const objectsOf = ({ json }: Awaited<ReturnType<typeof wizard>>): string[] =>
    json.error.details.objects.map(({ object }: { object: string }) => object.replaceAll('public.', ''));

  describe('functions that use the table by the order of its columns', () => {
    test('are refused by name, and nothing is written', async () => {
      const ran = await wizard(USERS + numbered(POSITIONAL) + numbered(HARMLESS, POSITIONAL.length));
      expect({ code: ran.code, error: ran.json.error.code }).toEqual({ code: 4, error: 'PH2001' });
      const objects = objectsOf(ran);
      expect(namedIn(objects, POSITIONAL)).toEqual(titles(POSITIONAL));
      expect(namedIn(objects, HARMLESS, POSITIONAL.length)).toEqual([]);
      expect(Object.keys((project as TestProject).files())).toEqual([]);
    });

    test('are named for people to look at where their text does not tell', async () => {
      const ran = await wizard(USERS + numbered(HARMLESS) + numbered(DOUBTFUL, HARMLESS.length));
      expect(ran.code).toBe(0);
      const doubts = ran.json.warnings
        .filter(({ code }: { code: string }) => code === 'function_may_use_column_order')
        .map(({ message }: { message: string }) => message);
      expect(namedIn(doubts, DOUBTFUL, HARMLESS.length)).toEqual(titles(DOUBTFUL));
      expect(namedIn(doubts, HARMLESS)).toEqual([]);
    });

    test('nor an INSERT without columns where the renamed one is the last', async () => {
      const schema = `CREATE TABLE users (id int PRIMARY KEY, email text); ${plain('void', 'sql', "INSERT INTO users VALUES (1, 'a@x')")}`;
      expect((await wizard(schema)).code).toBe(0);
    });
  });

  test('what is computed from whole rows is refused by name', async () => {
    const ran = await wizard(`${USERS} ALTER TABLE users ADD CONSTRAINT whole CHECK (users IS NOT NULL);
      CREATE INDEX hashed ON users (hash_record(users.*)); CREATE INDEX partial ON users (id) WHERE users IS NOT NULL`);
    expect(objectsOf(ran)).toEqual(['constraint whole', 'index hashed', 'index partial']);
  });

  test('what makes rows of the table from values is refused by name', async () => {
    const ran =
      await wizard(`${USERS} CREATE VIEW made AS SELECT (ROW(1, 'a@x', 'n')::users).*; CREATE VIEW constant AS SELECT '(1,a@x,n)'::users AS u;
      CREATE FUNCTION parsed() RETURNS text LANGUAGE sql RETURN (ROW(1, 'a@x', 'n')::users)::text;
      CREATE FUNCTION given(u users DEFAULT ROW(1, 'a@x', 'n')) RETURNS int LANGUAGE sql AS 'SELECT u.id';
      CREATE VIEW harmless AS SELECT NULL::users AS u, users AS v FROM users`);
    expect(objectsOf(ran)).toEqual([
      'function given(users)',
      'function parsed()',
      'rule _RETURN on view constant',
      'rule _RETURN on view made',
    ]);
  });

  /** Functions with something of the name that the column is to have, `addr`. */
  const named = (args: string, language: string, body: string): string =>
    `CREATE FUNCTION keep(${args}) RETURNS void LANGUAGE ${language} AS $$ ${body} $$;`;
  const OTHER = 'CREATE TABLE visits (user_id int, addr text);';

  const NAME_USERS: readonly [string, string][] = [
    [
      'in a natural join with a subquery',
      plain('bigint', 'sql', "SELECT count(*) FROM users NATURAL JOIN (SELECT 1 AS id, 'z'::text AS addr) y"),
    ],
    [
      'in a natural join with a query of WITH',
      plain('bigint', 'sql', "WITH y AS (SELECT 1 AS id, 'z'::text AS addr) SELECT count(*) FROM users NATURAL JOIN y"),
    ],
    [
      'in a natural join with a function',
      plain('bigint', 'sql', "SELECT count(*) FROM users NATURAL JOIN json_to_recordset('[]') AS j(id int, addr text)"),
    ],
    [
      'beside all columns, from a subquery',
      plain(
        'text',
        'plpgsql',
        "DECLARE r record; BEGIN SELECT u.*, x.* INTO r FROM users u, (SELECT 'lit'::text AS addr) x; RETURN r.addr; END",
      ),
    ],
    [
      'in USING behind the table',
      plain(
        'bigint',
        'sql',
        'SELECT count(*) FROM users u JOIN visits v ON u.id = v.user_id JOIN visits w USING (addr)',
      ),
    ],
    [
      'beside a subquery with all columns',
      named('addr text', 'sql', 'SELECT count(*) FROM (SELECT * FROM users) c WHERE email = addr').replace(
        'void',
        'bigint',
      ),
    ],
    ['by a natural join', named('', 'plpgsql', 'BEGIN PERFORM 1 FROM users NATURAL JOIN visits; END')],
    [
      'with a directive that is a comment',
      named('addr text', 'plpgsql', '-- #variable_conflict use_variable\nBEGIN UPDATE users SET note = addr; END'),
    ],
    ['an argument of a function in SQL', named('addr text', 'sql', 'DELETE FROM users WHERE email = addr')],
    ['one in plpgsql', named('addr text', 'plpgsql', 'BEGIN UPDATE users SET note = addr WHERE id = 1; END')],
    [
      'a variable',
      named('', 'plpgsql', 'DECLARE addr text; n int; BEGIN SELECT id INTO n FROM users u WHERE email = addr; END'),
    ],
    [
      'in ON CONFLICT',
      named(
        'addr text',
        'plpgsql',
        'BEGIN INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = addr; END',
      ),
    ],
    [
      'a column of another table',
      named('', 'plpgsql', 'BEGIN PERFORM addr FROM visits JOIN users ON users.id = user_id; END'),
    ],
    [
      'one outside a subquery',
      named('', 'plpgsql', 'BEGIN DELETE FROM visits WHERE EXISTS (SELECT FROM users WHERE email = addr); END'),
    ],
    [
      'by UPDATE ... FROM',
      named('', 'sql', "UPDATE visits SET addr = 'x' FROM users WHERE users.id = user_id AND addr IS NULL"),
    ],
    [
      'beside all columns',
      named('', 'plpgsql', 'DECLARE r record; BEGIN SELECT u.*, v.addr INTO r FROM users u, visits v; END'),
    ],
    [
      'beside all columns of a join',
      named('', 'plpgsql', 'DECLARE r record; BEGIN SELECT * INTO r FROM users, visits; END'),
    ],
    [
      'beside a query of WITH with all columns',
      plain('bigint', 'sql', 'WITH w AS (SELECT * FROM users) SELECT count(addr) FROM w, visits'),
    ],
    ['in GROUP BY', plain('TABLE (x text)', 'sql', 'SELECT email AS addr FROM users GROUP BY addr, email')],
    [
      'for a function of FROM that stands behind the table',
      `CREATE FUNCTION keep(addr text) RETURNS bigint LANGUAGE sql AS 'SELECT count(x) FROM users u, lower(addr) AS x WHERE x = u.email';`,
    ],
  ];

  const NO_NAME_USERS: readonly [string, string][] = [
    [
      'values that hide it',
      plain(
        'bigint',
        'sql',
        "SELECT count(*) FROM users u WHERE EXISTS (SELECT FROM (VALUES ('a')) w(addr) WHERE addr = u.note)",
      ),
    ],
    [
      'a query of WITH that hides it',
      plain(
        'bigint',
        'sql',
        "SELECT count(*) FROM users u WHERE EXISTS (WITH w AS (SELECT 'a'::text AS addr) SELECT FROM w WHERE addr = u.note)",
      ),
    ],
    [
      'a function whose columns hide it',
      plain(
        'bigint',
        'sql',
        `SELECT count(*) FROM users u, LATERAL (SELECT addr AS z FROM json_to_record('{}') AS j(addr text)) k`,
      ),
    ],
    [
      'a subquery that hides it',
      plain(
        'bigint',
        'sql',
        'SELECT count(*) FROM users u WHERE u.note IN (SELECT addr FROM (SELECT v.addr FROM visits v) w)',
      ),
    ],
    [
      'a value that is inserted',
      named('addr text', 'plpgsql', 'BEGIN INSERT INTO users (id, email) VALUES (1, addr); END'),
    ],
    [
      'a variable that is preferred',
      named('addr text', 'plpgsql', '#variable_conflict use_variable\nBEGIN UPDATE users SET note = addr; END'),
    ],
    [
      'a column of the table inside',
      named('', 'sql', 'DELETE FROM users u WHERE EXISTS (SELECT FROM visits WHERE user_id = u.id AND addr IS NULL)'),
    ],
    [
      'an argument of a function that gives rows of the table',
      `CREATE FUNCTION same(r users) RETURNS users LANGUAGE sql AS 'SELECT r';
       CREATE FUNCTION keep(addr users) RETURNS int LANGUAGE sql AS 'SELECT id FROM same(addr)';`,
    ],
    [
      'the condition of a join beside the table',
      `CREATE FUNCTION keep(addr int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users u, arch v JOIN arch w ON w.id = addr';`,
    ],
    ['a qualified argument', named('addr text', 'sql', 'DELETE FROM users WHERE email = keep.addr')],
    [
      'a name of the output',
      plain('TABLE (id int, x text)', 'sql', 'SELECT id, email AS addr FROM users ORDER BY addr'),
    ],
    [
      'a query beside',
      named('', 'sql', 'DELETE FROM users WHERE id IN (SELECT user_id FROM visits v WHERE v.addr IS NULL)'),
    ],
    [
      'a subquery that sees nothing of it',
      named('', 'sql', 'UPDATE users SET note = x.n FROM (SELECT addr AS n FROM visits) x'),
    ],
    [
      'a query of WITH of the same name',
      plain('text', 'sql', 'WITH users AS (SELECT addr FROM visits) SELECT addr FROM users LIMIT 1'),
    ],
    [
      'a name of the output of DISTINCT ON',
      plain('TABLE (x text)', 'sql', 'SELECT DISTINCT ON (addr) email AS addr FROM users'),
    ],
  ];

  test('functions that have something else of the new name where the column would be meant are refused by name', async () => {
    const ran = await wizard(USERS + OTHER + numbered(NAME_USERS) + numbered(NO_NAME_USERS, NAME_USERS.length));
    expect({ code: ran.code, error: ran.json.error.code }).toEqual({ code: 4, error: 'PH2001' });
    expect(namedIn(objectsOf(ran), NAME_USERS)).toEqual(titles(NAME_USERS));
    expect(namedIn(objectsOf(ran), NO_NAME_USERS, NAME_USERS.length)).toEqual([]);
  });

  test('and one that is a field of its rows', async () => {
    await refused(
      `${USERS} CREATE FUNCTION addr(users) RETURNS text LANGUAGE sql AS 'SELECT $1.email'`,
      'function addr(users)',
    );
  });

  test.each([
    ['the row type', 'CREATE TABLE kept (r users)', 'column kept.r'],
    ['an array of it', 'CREATE TABLE kept (rs users[])', 'column kept.rs'],
    ['a domain over it', 'CREATE DOMAIN person AS users; CREATE TABLE kept (r person)', 'column kept.r'],
    ['a type that holds it', 'CREATE TYPE pair AS (u users, n int); CREATE TABLE kept (p pair)', 'column kept.p'],
  ])('a column that holds rows of the table is refused by name: %s', async (_what, sql, object) => {
    await refused(`${USERS} ${sql}`, object);
  });

  test.each([
    [
      'a function',
      trigger('INSERT INTO arch (id, email, note) SELECT OLD.*;'),
      `CREATE OR REPLACE ${trigger('INSERT INTO arch (id, note) VALUES (OLD.id, OLD.note);').split('; \n')[0]?.replace('CREATE ', '').split('$$;')[0]}$$`,
    ],
    ['a column', 'CREATE TABLE kept (r users)', 'DROP TABLE kept'],
    [
      'an argument of the new name',
      named('addr text', 'sql', 'DELETE FROM users WHERE email = addr'),
      named('addr text', 'sql', 'DELETE FROM users WHERE email = keep.addr').replace('CREATE', 'CREATE OR REPLACE'),
    ],
  ])('%s that only production has is found before phase 1, and there is a way on', async (_what, sql, mended) => {
    fixture = await renameFixture({ server: server(), schema: USERS, from: 'email', to: 'addr' });
    await fixture.database.sql(sql);
    const migrate = () => (fixture as RenameFixture).project.phase('migrate', '--release', R1, '--json');
    expect(await migrate()).toMatchObject({ code: 4, json: { applied: [], error: { code: 'PH2019' } } });
    await fixture.database.sql(mended);
    expect((await migrate()).code).toBe(0);
  });

  test('what only looks like it can be acknowledged, with a reason', async () => {
    fixture = await renameFixture({ server: server(), schema: USERS, from: 'email', to: 'addr' });
    await fixture.database.sql('CREATE TABLE kept (r users)');
    const object = 'column public.kept.r, which holds rows of the table';
    await fixture.project.json('acknowledge', 'users_email_to_addr', object, '--why', 'nobody reads it');
    await fixture.deploy(R1);
  });

  test('functions with parsed bodies are told apart by what they are, not by their names', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `${USERS} CREATE FUNCTION find(i int) RETURNS text LANGUAGE sql RETURN (SELECT email FROM users WHERE id = i);
      CREATE FUNCTION find(t text) RETURNS int LANGUAGE sql RETURN (SELECT id FROM users WHERE email = t LIMIT 1); INSERT INTO users VALUES (1, 'a@x')`,
      from: 'email',
      to: 'addr',
    });
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    expect(await fixture.database.sql(`SELECT find(1) AS by_id, find('a@x') AS by_text`)).toEqual([
      { by_id: 'a@x', by_text: 1 },
    ]);
  });

  test('a MERGE in a parsed body, for which PostgreSQL knows no dependency, goes on writing', async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `${USERS} CREATE TABLE inbox (id int, email text); INSERT INTO users VALUES (1, 'a@x'); INSERT INTO inbox VALUES (1, 'b@x'), (2, 'c@x');
      CREATE PROCEDURE merged() LANGUAGE sql BEGIN ATOMIC
        MERGE INTO users u USING inbox i ON u.id = i.id WHEN MATCHED THEN UPDATE SET email = i.email WHEN NOT MATCHED THEN INSERT (id, email) VALUES (i.id, i.email); END`,
      from: 'email',
      to: 'addr',
    });
    for (const release of [R1, R2, R3]) await fixture.deploy(release);
    await fixture.database.sql('CALL merged()');
    expect(await fixture.database.sql('SELECT id, addr FROM users ORDER BY id')).toEqual([
      { id: 1, addr: 'b@x' },
      { id: 2, addr: 'c@x' },
    ]);
    await fixture.project.json('rollback', '--steps', '5');
    await fixture.database.sql(`UPDATE inbox SET email = 'd@x'; CALL merged()`);
    expect(await fixture.database.sql('SELECT DISTINCT email FROM users')).toEqual([{ email: 'd@x' }]);
  });

  test("a trigger that gives the column's name to its function gets the new one in phase 2, and back when that is undone", async () => {
    fixture = await renameFixture({
      server: server(),
      schema: `CREATE TABLE posts (id int PRIMARY KEY, title text, tsv tsvector);
      CREATE TRIGGER search BEFORE INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('tsv', 'pg_catalog.english', 'title');
      INSERT INTO posts VALUES (1, 'many words')`,
      table: 'posts',
      from: 'title',
      to: 'headline',
    });
    const { database: db, deploy } = fixture;
    const search = async (id: number): Promise<string> =>
      (await db.sql('SELECT tsv::text FROM posts WHERE id = $1', [id]))[0].tsv;
    await deploy(R1);
    await db.sql(`INSERT INTO posts (id, title) VALUES (2, 'first phase')`);
    expect(await search(2)).toContain('first');
    await deploy(R2);
    await db.sql(
      `INSERT INTO posts (id, headline) VALUES (3, 'second phase'); INSERT INTO posts (id, title) VALUES (4, 'old writer')`,
    );
    expect([await search(3), await search(4)]).toEqual([
      expect.stringContaining('second'),
      expect.stringContaining('writer'),
    ]);
    await fixture.project.json('rollback', '--steps', '1');
    await db.sql(`INSERT INTO posts (id, title) VALUES (5, 'back again')`);
    expect(await search(5)).toContain('back');
    await deploy(R2);
    await deploy(R3);
    await db.sql(`INSERT INTO posts (id, headline) VALUES (6, 'third phase')`);
    expect(await search(6)).toContain('third');
    const [{ definition }] = await db.sql(
      `SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgname = 'search'`,
    );
    expect(definition).toContain(`'headline')`);
  });
});
