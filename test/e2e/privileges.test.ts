import { afterEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;

afterEach(async () => {
  project.remove();
  await database.drop();
});

test('the deployer needs no superuser, and the application no right that it did not have', async () => {
  database = await createDatabase();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  const { name: deployer, url } = await database.role();
  const { name: app } = await database.role();
  await database.sql(`GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer};
    GRANT CREATE, USAGE ON SCHEMA public TO ${deployer}; SET ROLE ${deployer};
    CREATE TABLE accounts (email text PRIMARY KEY);
    CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE REFERENCES accounts ON UPDATE CASCADE ON DELETE SET NULL);
    INSERT INTO accounts VALUES ('a'), ('b'), ('c'), ('d'), ('e'); INSERT INTO users VALUES (1, 'a'), (2, 'b');
    ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON users USING (id > 0);
    GRANT SELECT, INSERT, UPDATE, DELETE ON users, accounts TO ${app}; RESET ROLE`);
  project = new TestProject(url);
  await project.json(
    ...['new', 'rename-column', '--table', 'users', '--from', 'old', '--to', 'new'],
    ...['--releases', '1.1.0,1.2.0,1.3.0', '--yes'],
  );
  const asApp = async (sql: string) => {
    await database.sql(`SET ROLE ${app}`);
    try {
      return await database.sql(sql);
    } finally {
      await database.sql('RESET ROLE');
    }
  };
  const stragglers = async () => (await project.json('status')).renames[0].stragglers;
  for (const [release, id] of [
    ['1.1.0', 3],
    ['1.2.0', 4],
  ] as const) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release);
    expect(
      await asApp(`INSERT INTO users (id, old) VALUES (${id}, '${id === 3 ? 'c' : 'd'}') RETURNING old = new AS same`),
    ).toEqual([{ same: true }]);
    await project.json('finish');
  }
  expect(await stragglers()).toBe(1);
  // Cascades of the foreign key write the new column in phase 2: they are no stragglers.
  await asApp(`UPDATE accounts SET email = 'A' WHERE email = 'a'`);
  await asApp(`DELETE FROM accounts WHERE email = 'b'`);
  expect(await database.sql('SELECT id, old, new FROM users WHERE id < 3 ORDER BY id')).toEqual([
    { id: 1, old: 'A', new: 'A' },
    { id: 2, old: null, new: null },
  ]);
  expect(await stragglers()).toBe(1);
  await project.json('release', 'cut', '1.3.0');
  await project.json('migrate', '--release', '1.3.0', '--straggler-window', '0');
  expect(await asApp('SELECT count(*)::int AS users FROM users')).toEqual([{ users: 4 }]);
});

test('a role without rights on the table is told so', async () => {
  database = await createDatabase();
  await database.sql('CREATE TABLE users (id int, old text)');
  project = new TestProject((await database.role()).url, {
    'phase.config.json': '{ "release": "1.0.0" }',
    'db/migrate/20260101000000_a.sql': 'SELECT 1',
  });
  await project.json('hash');
  expect(await project.phase('migrate', '--json')).toMatchObject({ code: 1, json: { error: { code: 'PH5008' } } });
});

/** The roles of docs/operations.md: the owner logs in nowhere, who migrates is a member of it, the application reads and writes rows. */
async function threeRoles(): Promise<{
  deployer: string;
  app: string;
  owner: string;
  asApp(sql: string): Promise<unknown[]>;
}> {
  database = await createDatabase();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  const { name: owner } = await database.role();
  const { name: deployer, url } = await database.role();
  const { name: app } = await database.role();
  await database.sql(`ALTER ROLE ${owner} NOLOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC;
    CREATE SCHEMA shop AUTHORIZATION ${owner}; GRANT USAGE ON SCHEMA shop TO ${app}; SET ROLE ${owner};
    CREATE TABLE shop.users (id int PRIMARY KEY, old text UNIQUE CHECK (old <> '')); INSERT INTO shop.users VALUES (1, 'a'), (2, 'b');
    CREATE VIEW shop.people AS SELECT id, old AS name FROM shop.users;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO ${app}; RESET ROLE`);
  project = new TestProject(url);
  const asApp = async (sql: string) => {
    await database.sql(`SET ROLE ${app}`);
    return database.sql(sql).finally(() => database.sql('RESET ROLE'));
  };
  return { deployer, app, owner, asApp };
}

const NEW = [
  'new',
  'rename-column',
  '--table',
  'shop.users',
  '--from',
  'old',
  '--to',
  'new',
  '--releases',
  '1.1.0,1.2.0,1.3.0',
  '--yes',
];

test('the minimal roles carry a rename from the wizard to its end, and back', async () => {
  const { deployer, owner, app, asApp } = await threeRoles();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  await database.sql(`GRANT ${owner} TO ${deployer}; GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer}`);
  await project.json(...NEW);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) await project.json('release', 'cut', release);
  let id = 10;
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    const columns = release === '1.3.0' ? ['new'] : ['old', 'new'];
    for (const column of columns) {
      const [row] = await asApp(
        `INSERT INTO shop.users (id, ${column}) VALUES (${id}, 'v${id}') RETURNING ${columns.join(', ')}`,
      );
      expect(Object.values(row as object)).toEqual(columns.map(() => `v${id}`));
      id++;
    }
    await asApp(`UPDATE shop.users SET ${columns[0]} = 'x' || id WHERE id = 1; SELECT * FROM shop.people`);
    await project.json('finish', '--straggler-window', '0');
    await project.json('status', '--count');
    await project.json('audit', 'verify');
  }
  // Nothing of ours is for the application.
  for (const sql of [
    'SELECT FROM phase.migrations',
    'DELETE FROM phase.attempts',
    'CREATE TABLE phase.mine ()',
    'ALTER TABLE shop.users ADD mine int',
  ]) {
    await expect(asApp(sql)).rejects.toMatchObject({ code: '42501' });
  }
  await project.json('rollback', '--steps', '6');
  expect(await database.sql('SELECT old FROM shop.users WHERE id IN (1, 2) ORDER BY id')).toEqual([
    { old: 'x1' },
    { old: 'b' },
  ]);
  const [{ owned }] = await database.sql(
    `SELECT count(*)::int AS owned FROM pg_class WHERE relowner = '${app}'::regrole`,
  );
  expect(owned).toBe(0);
});

test('what a role may not do is refused by the wizard and before phase 1, with the statements that let it', async () => {
  const { deployer, owner } = await threeRoles();
  await database.sql(`GRANT USAGE ON SCHEMA shop TO ${deployer}`);
  const refused = async (...command: string[]) => {
    const { code, json } = await project.phase(...command, '--json');
    expect([code, json.error.code]).toEqual([4, 'PH2020']);
    return json.error.details.missing as { what: string; grant: string }[];
  };
  const missing = await refused(...NEW);
  expect(missing.map(({ what }) => what)).toEqual([
    'alter the table "shop"."users"',
    'create in the schema "shop"',
    'create the schema "phase"',
    'make temporary tables',
    'replace the view "shop"."people"',
  ]);
  expect(project.files()).toEqual({});
  const { name: other } = await database.role();
  await database.sql(`CREATE FUNCTION shop.names() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT old FROM shop.users; END $$;
    GRANT CREATE ON SCHEMA shop TO ${other}; ALTER FUNCTION shop.names() OWNER TO ${other}`);
  for (const right of missing) await database.sql(right.grant);
  const [{ what, grant }] = (await refused(...NEW)) as [{ what: string; grant: string }];
  expect(what).toBe('replace the function shop.names()');
  await database.sql(grant);
  await project.json(...NEW);
  await project.json('release', 'cut', '1.1.0');
  // Production grants less than the database that the wizard looked at.
  await database.sql(
    `REVOKE ${owner} FROM ${deployer}; REVOKE ${other} FROM ${deployer}; REVOKE CREATE ON SCHEMA shop FROM ${deployer}`,
  );
  const inProduction = await refused('migrate', '--release', '1.1.0');
  for (const right of inProduction) await database.sql(right.grant);
  await project.json('migrate', '--release', '1.1.0');
});

test('a table of another role that references another column of the table does not concern the rename', async () => {
  const { deployer, owner } = await threeRoles();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  await database.sql(`GRANT ${owner} TO ${deployer}; GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer};
    CREATE TABLE public.others (id int REFERENCES shop.users (id)); CREATE TABLE public.names (name text PRIMARY KEY); INSERT INTO names VALUES ('a'), ('b');
    ALTER TABLE shop.users ADD FOREIGN KEY (old) REFERENCES public.names; GRANT REFERENCES ON public.names TO ${deployer}`);
  // It is locked as well, when the columns change places.
  const { json } = await project.phase(...NEW, '--json');
  expect(json.error.details.missing.map(({ what }: { what: string }) => what)).toEqual([
    'reference and lock the table "public"."names"',
  ]);
  for (const { grant } of json.error.details.missing) await database.sql(grant);
  await project.json(...NEW);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    await project.json('finish', '--straggler-window', '0');
  }
});

test('a superuser, too, is told of a table that is bound to the column and another role’s, which could run code with its rights', async () => {
  const { app, owner } = await threeRoles();
  project.url = database.url;
  await database.sql(`SET ROLE ${owner}; GRANT REFERENCES, SELECT ON shop.users TO ${app}; RESET ROLE;
    CREATE SCHEMA theirs AUTHORIZATION ${app}; GRANT USAGE ON SCHEMA theirs TO PUBLIC; SET ROLE ${app};
    CREATE TABLE theirs.caught (who text); GRANT INSERT ON theirs.caught TO PUBLIC;
    CREATE FUNCTION theirs.trap() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO theirs.caught VALUES (current_user); RETURN 1; END $$;
    CREATE FUNCTION theirs.planned() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN theirs.trap(); END $$;
    CREATE TABLE theirs.posts (id int PRIMARY KEY, name text REFERENCES shop.users (old)); CREATE INDEX ON theirs.posts ((theirs.planned())); RESET ROLE`);
  const { code, json } = await project.phase(...NEW, '--json');
  expect([code, json.error.code]).toEqual([4, 'PH2020']);
  expect(json.error.message).toContain('alter the referencing table "theirs"."posts"');
  expect(await database.sql('SELECT DISTINCT who FROM theirs.caught WHERE who <> $1', [app])).toEqual([]);
  const [{ me }] = await database.sql('SELECT current_user AS me');
  expect(json.error.remedy).toContain(`GRANT "${app}" TO "${me}"`);
  await database.sql(`GRANT "${app}" TO "${me}"`);
  await project.json(...NEW);
  await database.sql(`DROP OWNED BY ${app} CASCADE; DROP OWNED BY ${owner} CASCADE`);
});

test('default privileges give nobody the ledger; of one that they gave away before only reading stays', async () => {
  const { deployer, owner, app } = await threeRoles();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  await database.sql(`GRANT ${owner} TO ${deployer}; GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${deployer} GRANT ALL ON TABLES TO ${app}; ALTER DEFAULT PRIVILEGES FOR ROLE ${deployer} GRANT ALL ON SEQUENCES TO ${app};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${deployer} GRANT ALL ON SCHEMAS TO ${app}`);
  await project.json(...NEW);
  await project.json('release', 'cut', '1.1.0');
  await project.json('migrate', '--release', '1.1.0');
  const rights = async () =>
    (
      await database.sql(
        `SELECT DISTINCT a.privilege_type AS may FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relnamespace = 'phase'::regnamespace AND a.grantee <> c.relowner
         UNION SELECT 'schema ' || a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a
         WHERE n.nspname = 'phase' AND a.grantee <> n.nspowner ORDER BY 1`,
      )
    ).map(({ may }) => may);
  expect(await rights()).toEqual(['schema USAGE']);
  // Nor what counts writes of the old column.
  await project.json('finish');
  await project.json('release', 'cut', '1.2.0');
  await project.json('migrate', '--release', '1.2.0');
  expect(await rights()).toEqual(['schema USAGE']);
  // As earlier versions have left it.
  await database.sql(
    `DROP TABLE phase.approvals; UPDATE phase.ledger SET format = 6; GRANT ALL ON ALL TABLES IN SCHEMA phase TO ${app}; GRANT ALL ON ALL SEQUENCES IN SCHEMA phase TO PUBLIC`,
  );
  await project.json('finish');
  expect(await rights()).toEqual(['SELECT', 'schema USAGE']);
  await database.sql(`DROP OWNED BY ${app}, ${deployer}, ${owner} CASCADE`);
});

test('what is made anew has the privileges that it had, and none by default', async () => {
  const { deployer, owner, app } = await threeRoles();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  await database.sql(`GRANT ${owner} TO ${deployer}; GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer}; SET ROLE ${owner};
    CREATE MATERIALIZED VIEW shop.report AS SELECT old FROM shop.users; GRANT SELECT ON shop.report TO ${deployer};
    CREATE TABLE shop.things (old int GENERATED ALWAYS AS IDENTITY UNIQUE); GRANT SELECT, INSERT ON shop.things TO ${app}; RESET ROLE`);
  for (const role of [deployer, owner]) {
    for (const kind of ['TABLES', 'SEQUENCES'])
      await database.sql(`ALTER DEFAULT PRIVILEGES FOR ROLE ${role} GRANT ALL ON ${kind} TO ${app}, PUBLIC`);
  }
  const acls = () =>
    database.sql(
      `SELECT c.relname AS name, a.grantee::regrole::text AS who, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS may
       FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
       WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('m', 'r', 'v', 'S') GROUP BY 1, 2 ORDER BY 1, 2`,
    );
  const before = await acls();
  await project.json(...NEW);
  await project.json(...NEW.map((word) => (word === 'shop.users' ? 'shop.things' : word)));
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    expect(await acls()).toEqual(before);
    await project.json('finish', '--straggler-window', '0');
  }
  await project.json('rollback', '--steps', '8');
  expect(await acls()).toEqual(before);
  await database.sql(`DROP OWNED BY ${app}, ${deployer}, ${owner} CASCADE`);
});
