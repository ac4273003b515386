import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

const BEFORE = `CREATE TABLE users (id bigint PRIMARY KEY, email text, age integer);
CREATE INDEX users_age ON users (age);
CREATE TABLE orders (id bigint NOT NULL, at date NOT NULL, user_id bigint, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');`;

const WANTED = `CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, age integer CHECK (age > 0), token uuid NOT NULL DEFAULT gen_random_uuid(), nick text NOT NULL,
  CONSTRAINT users_email_key UNIQUE (email));
CREATE INDEX users_lower ON users (lower(email));
CREATE TABLE orders (id bigint NOT NULL, at date NOT NULL, user_id bigint, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX orders_user ON orders (user_id);
CREATE TABLE reviews (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id), stars smallint);
CREATE INDEX reviews_user ON reviews (user_id);
COMMENT ON TABLE reviews IS 'What they think.';`;

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.1.0"}' });
  await addMigration(project, '1.0.0', 'begin', BEFORE);
  await project.json('release', 'cut', '1.0.0');
  project.delete('phase.config.json');
  project.write('wanted.sql', WANTED);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const sqlOf = (files: string[]): string[] =>
  files.filter((path) => path.startsWith('db/migrate')).map((path) => project.read(path));

test('the difference becomes migrations that do not block, one about one thing, there and back', async () => {
  const { files } = await project.json('new', 'migration-from-diff', 'wanted', '--to', 'wanted.sql');
  const texts = sqlOf(files);
  const all = texts.join('\n---\n');
  const part = (pattern: RegExp): string => texts.find((text) => pattern.test(text)) ?? '';
  expect(part(/CREATE INDEX CONCURRENTLY "users_lower"/)).toMatch(/^-- phase:no-transaction\n/);
  expect(part(/DROP INDEX CONCURRENTLY "public"."users_age"/)).toMatch(/^-- phase:no-transaction\n/);
  expect(part(/CREATE UNIQUE INDEX CONCURRENTLY "users_email_key"/)).toBeTruthy();
  expect(part(/UNIQUE USING INDEX "users_email_key"/)).toBeTruthy();
  expect(part(/users_age_check/)).toContain('NOT VALID');
  expect(part(/VALIDATE CONSTRAINT "users_age_check"/)).not.toContain('NOT VALID');
  expect(part(/CREATE TABLE "public"."reviews"/)).toContain('reviews_user');
  expect(part(/createIndex\(knex/)).toContain('"orders_user"');
  expect(all).not.toMatch(/ADD COLUMN "token" uuid NOT NULL/);
  expect(texts.length).toBeGreaterThan(10);

  expect(await project.json('new', 'migration-from-diff', 'nothing', '--to', 'wanted.sql', '--check')).toMatchObject({
    statements: [],
  });
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [], down: { irreversible: null, differences: [] } });
});

test('what holds rows gets there too, once they are filled', async () => {
  await project.json('migrate', '--release', '1.0.0');
  await database.sql("INSERT INTO users SELECT n, 'u' || n || '@x', n FROM generate_series(1, 500) AS n");
  project.write(
    'wanted.sql',
    BEFORE.replace('email text', 'email text NOT NULL').replace('age integer', 'age integer CHECK (age > 0)'),
  );
  await project.json('new', 'migration-from-diff', 'wanted', '--to', 'wanted.sql');
  await project.json('migrate', '--release', '1.1.0');
  expect((await project.phase('diff', '--from', 'database', '--to', 'wanted.sql')).stdout.trim()).toBe(
    'There is no difference.',
  );
});

test('a rename is scaffolded in three phases, and the rest beside it', async () => {
  project.write(
    'wanted.sql',
    `${BEFORE.replace('email text', 'email_address text')}\nCREATE TABLE more (id bigint PRIMARY KEY);`,
  );
  const offered = await project.phase(
    'new',
    'migration-from-diff',
    'wanted',
    '--to',
    'wanted.sql',
    '--check',
    '--json',
  );
  expect([offered.code, offered.json.renames]).toMatchObject([
    7,
    [{ table: 'public.users', from: 'email', to: 'email_address' }],
  ]);
  const { files, renames } = await project.json(
    ...[
      'new',
      'migration-from-diff',
      'wanted',
      '--to',
      'wanted.sql',
      '--rename',
      'users.email=email_address',
      '--releases',
      '1.1.0,1.2.0,1.3.0',
    ],
  );
  expect(renames).toEqual([]);
  expect(files).toEqual(
    expect.arrayContaining(['db/renames/users_email_to_email_address.yml', 'db/releases/1.3.0.yml']),
  );
  expect(files.some((path: string) => path.endsWith('_wanted.sql'))).toBe(true);
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [] });
});

test('what stands on a renamed column waits until there is one again; names that follow it are renamed, not built anew', async () => {
  const old = `${BEFORE}
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE posts (id bigint PRIMARY KEY, title text CONSTRAINT posts_title_check CHECK (title <> ''), mood mood DEFAULT 'ok');
CREATE INDEX posts_title_idx ON posts (title);`;
  await addMigration(project, '1.1.0', 'posts', old.replace(BEFORE, ''));
  await project.json('release', 'cut', '1.1.0');
  const wanted = old
    .replaceAll(/\btitle\b/g, 'headline')
    .replaceAll('posts_title', 'posts_headline')
    .replace("('ok')", "('ok', 'bad')");
  project.write(
    'wanted.sql',
    `${wanted}\nCREATE INDEX posts_mood ON posts (mood); CREATE INDEX posts_both ON posts (headline, id);`,
  );
  const flags = ['--to', 'wanted.sql', '--rename', 'posts.title=headline', '--releases', '1.2.0,1.3.0,1.4.0'];
  await project.json('new', 'migration-from-diff', 'more', ...flags, '--release', '1.2.0');
  const inRelease = (release: string): string =>
    project
      .read(`db/releases/${release}.yml`)
      .split('\n')
      .flatMap((line) => /id: (\S+_more_\S*)$/.exec(line)?.[1] ?? [])
      .map((id) => project.read(`db/migrate/${id}.sql`))
      .join('\n');
  expect(inRelease('1.2.0')).toContain('"posts_mood"');
  expect(inRelease('1.2.0')).not.toMatch(/headline/);
  expect(inRelease('1.4.0')).toContain('ALTER INDEX "public"."posts_title_idx" RENAME TO "posts_headline_idx"');
  expect(inRelease('1.4.0')).toContain('RENAME CONSTRAINT "posts_title_check" TO "posts_headline_check"');
  expect(inRelease('1.4.0')).toContain('"posts_both"');
  expect(`${inRelease('1.2.0')}${inRelease('1.4.0')}`).not.toMatch(/DROP INDEX "|DROP CONSTRAINT "posts/);
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [], down: { irreversible: null, differences: [] } });
});

test('without releases, or a name, nothing is written', async () => {
  const before = project.files();
  project.write('wanted.sql', BEFORE.replace('email text', 'email_address text'));
  const unsaid = await project.phase(
    'new',
    'migration-from-diff',
    'wanted',
    '--to',
    'wanted.sql',
    '--rename',
    'users.email=email_address',
    '--json',
  );
  expect([unsaid.code, unsaid.json.error.code, unsaid.json.error.details.flag]).toEqual([2, 'PH1004', '--releases']);
  const unnamed = await project.phase('new', 'migration-from-diff', '../x', '--to', 'wanted.sql', '--json');
  expect(unnamed.json.error.code).toBe('PH1015');
  expect({ ...project.files(), 'wanted.sql': WANTED }).toEqual(before);
});

test('a migration that takes another one back has its ways turned round', async () => {
  const sql = await addMigration(
    project,
    '1.1.0',
    'nick',
    '-- phase:no-transaction\nCREATE INDEX CONCURRENTLY users_email ON users (email);\n-- phase:down\nDROP INDEX CONCURRENTLY users_email;\n',
  );
  const typed = await addMigration(
    project,
    '1.1.0',
    'typed',
    "export const up = async (knex) => { await knex.raw('ALTER TABLE users ADD COLUMN up text'); };\nexport async function down(knex) { await knex.raw('ALTER TABLE users DROP COLUMN up'); }\n",
    { extension: 'mjs' },
  );
  const one = await project.json('new', 'revert', typed);
  expect(project.read(one.files[0])).toBe(
    "export const down = async (knex) => { await knex.raw('ALTER TABLE users ADD COLUMN up text'); };\nexport async function up(knex) { await knex.raw('ALTER TABLE users DROP COLUMN up'); }\n",
  );
  const other = await project.json('new', 'revert', sql);
  expect(project.read(other.files[0])).toBe(
    '-- phase:no-transaction\n\nDROP INDEX CONCURRENTLY users_email;\n\n-- phase:down\nCREATE INDEX CONCURRENTLY users_email ON users (email);\n',
  );
  project.write('before.sql', BEFORE);
  expect((await project.phase('diff', '--to', 'before.sql')).stdout.trim()).toBe('There is no difference.');
  const bare = await addMigration(project, '1.1.0', 'bare', 'SELECT 1;');
  for (const [id, code] of [
    [bare, 'PH1041'],
    ['nowhere', 'PH1016'],
  ] as const) {
    const refused = await project.phase('new', 'revert', id, '--json');
    expect([refused.code, refused.json.error.code]).toEqual([2, code]);
  }
});

test('views that are made anew around a change are there again on both ways', async () => {
  const views =
    'CREATE VIEW v AS SELECT id, email FROM users; CREATE VIEW v2 AS SELECT email FROM v; GRANT SELECT ON v TO PUBLIC;';
  await addMigration(project, '1.1.0', 'views', views);
  project.delete('phase.config.json');
  await project.json('release', 'cut', '1.1.0');
  project.write('package.json', '{"name": "shop", "version": "1.2.0"}');
  project.write('wanted.sql', `${BEFORE.replace('email text', 'email varchar(300)')}\n${views}`);
  await project.json('new', 'migration-from-diff', 'wanted', '--to', 'wanted.sql', '--allow-data-loss');
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [], down: { irreversible: null, differences: [] } });
});

test('a project that phase init has begun can be dumped', async () => {
  const fresh = new TestProject(undefined, { 'package.json': '{"name": "fresh", "version": "1.0.0"}' });
  await fresh.json('init');
  expect(await fresh.json('dump')).toEqual({ file: 'db/structure.sql', changed: true, missing: [] });
  fresh.remove();
});

test('a partition with other bounds keeps its rows, and a wider type is no narrower on the way back than its values', async () => {
  const was = BEFORE.replace('email text', 'email varchar(10)');
  await addMigration(project, '1.1.0', 'narrow', 'ALTER TABLE users ALTER COLUMN email TYPE varchar(10);');
  await project.json('release', 'cut', '1.1.0');
  project.write(
    'wanted.sql',
    `${was.replace('varchar(10)', 'varchar(20)').replace("('2025-01-01')", "('2026-01-01')")}
ALTER TABLE users ADD COLUMN x text;`,
  );
  project.write('phase.config.json', '{"release": "1.2.0"}');
  await project.json('migrate', '--release', '1.1.0');
  await database.sql("INSERT INTO orders VALUES (1, '2024-05-05', 1); INSERT INTO users VALUES (1, 'a', 1)");
  const { files } = await project.json('new', 'migration-from-diff', 'wider', '--to', 'wanted.sql');
  const both = sqlOf(files).filter((text) => text.includes('DETACH PARTITION'));
  expect(both).toHaveLength(1);
  expect(both[0]).toContain('ATTACH PARTITION "public"."orders_2024" FOR VALUES FROM');
  expect(both[0]).not.toContain('DROP');
  const steps = (await project.json('migrate', '--release', '1.2.0')).applied.length;
  await database.sql("UPDATE users SET email = '0123456789abc'");
  const refused = await project.phase('rollback', '--steps', String(steps), '--json');
  expect([refused.code, refused.json.error.message]).toEqual([1, expect.stringContaining('too long')]);
  await database.sql("UPDATE users SET email = 'a'");
  await project.phase('rollback', '--steps', String(steps));
  expect(await database.sql('SELECT id FROM orders')).toHaveLength(1);
});

test('of several renames of which one is refused nothing is written', async () => {
  await addMigration(
    project,
    '1.1.0',
    'both',
    'ALTER TABLE users ADD COLUMN nick text;\nCREATE UNIQUE INDEX pair ON users (email, nick); CREATE TABLE parts (k int) PARTITION BY LIST (k);',
  );
  await project.json('release', 'cut', '1.1.0');
  project.write(
    'wanted.sql',
    `${BEFORE.replace('email text', 'mail text')}\nALTER TABLE users ADD COLUMN nickname text; CREATE UNIQUE INDEX pair ON users (mail, nickname); CREATE TABLE parts (kk int) PARTITION BY LIST (kk);`,
  );
  const before = project.files();
  const renames = [
    '--rename',
    'users.email=mail',
    '--rename',
    'users.nick=nickname',
    '--releases',
    '1.2.0,1.3.0,1.4.0',
  ];
  const command = ['new', 'migration-from-diff', 'two', '--release', '1.2.0', '--to', 'wanted.sql'];
  const refused = await project.phase(...command, ...renames, '--rename', 'parts.k=kk', '--json');
  expect([refused.code, refused.json.error]).toEqual([4, expect.objectContaining({ code: 'PH2001' })]);
  expect(project.files()).toEqual(before);
  // Those of one table are one change: an index is on both.
  const { files } = await project.json(...command, ...renames, '--allow-data-loss');
  expect(files).toContain('db/renames/users_email_nick_to_mail_nickname.yml');
});

test('an identity in the place of a serial counts on from the rows that are there', async () => {
  await addMigration(project, '1.1.0', 'numbered', 'CREATE TABLE numbered (id serial PRIMARY KEY, n int);');
  await project.json('release', 'cut', '1.1.0');
  await project.json('migrate', '--release', '1.1.0');
  await database.sql('INSERT INTO numbered (n) SELECT generate_series(1, 5)');
  project.write('phase.config.json', '{"release": "1.2.0"}');
  project.write(
    'wanted.sql',
    `${BEFORE}\nCREATE TABLE numbered (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n int);`,
  );
  await project.json('new', 'migration-from-diff', 'identity', '--to', 'wanted.sql', '--allow-data-loss');
  const { json } = await project.phase('verify', '--json', '--from', 'database', '--to', 'wanted.sql', '--rows');
  expect(json).toMatchObject({ differences: [], rows: [] });
  await project.json('migrate', '--release', '1.2.0');
  expect(await database.sql('INSERT INTO numbered (n) VALUES (6) RETURNING id')).toEqual([{ id: 6 }]);
  const { applied } = await project.json('status');
  const steps = applied.filter(({ release }: { release: string }) => release === '1.2.0').length;
  await project.json('rollback', '--steps', String(steps));
  expect(await database.sql('INSERT INTO numbered (n) VALUES (7) RETURNING id')).toEqual([{ id: 7 }]);
});

test('rows that the way back does not bring back are named', async () => {
  await addMigration(
    project,
    '1.1.0',
    'cut',
    "ALTER TABLE users ADD COLUMN nick text;\n-- phase:down\nUPDATE users SET email = 'gone';\nALTER TABLE users DROP COLUMN nick;\n",
  );
  await project.json('migrate', '--release', '1.0.0');
  await database.sql("INSERT INTO users VALUES (1, 'a@x', 1)");
  const { code, json } = await project.phase('verify', '--json', '--from', 'database', '--to', 'migrations', '--rows');
  expect([code, json.rows]).toEqual([7, [expect.stringMatching(/^after the way back: .*users/)]]);
});

test('what keeps its name and gets another definition is built beside the old one, and nothing else waits for it', async () => {
  const old = `CREATE TABLE items (id bigint NOT NULL, kind text, price integer, owner bigint,
  CONSTRAINT items_key UNIQUE (kind, id), CONSTRAINT items_price CHECK (price > 0),
  CONSTRAINT items_owner FOREIGN KEY (owner) REFERENCES users (id));
CREATE INDEX items_kind ON items (kind);
COMMENT ON INDEX items_kind IS 'old';
CREATE VIEW prices AS SELECT id, price FROM items;`;
  await addMigration(project, '1.1.0', 'items', old);
  await project.json('release', 'cut', '1.1.0');
  project.delete('phase.config.json');
  const wanted = `${BEFORE}\n${old}`
    .replace('UNIQUE (kind, id)', 'UNIQUE (id, kind)')
    .replace('price > 0', 'price >= 0')
    .replace('REFERENCES users (id)', 'REFERENCES users (id) ON DELETE CASCADE')
    .replace('ON items (kind)', 'ON items (lower(kind))')
    .replace("'old'", "'new'")
    .replace('price integer', 'price bigint')
    .replace('age integer', 'age integer, nick text')
    .concat('\nCREATE INDEX users_nick ON users (nick);');
  project.write('wanted.sql', wanted);
  const { files } = await project.json(
    'new',
    'migration-from-diff',
    'more',
    '--to',
    'wanted.sql',
    '--release',
    '1.2.0',
  );
  const texts = sqlOf(files);
  const withText = (pattern: RegExp): string[] =>
    texts.filter((text) => pattern.test(text.split('-- phase:down')[0] ?? ''));
  expect(withText(/CONCURRENTLY "items_kind_new"/)).toEqual([expect.stringMatching(/^-- phase:no-transaction/)]);
  expect(withText(/VALIDATE CONSTRAINT "items_owner_new"/)).toHaveLength(1);
  expect(withText(/CREATE UNIQUE INDEX CONCURRENTLY "items_key_new"/)).toHaveLength(1);
  const [rebuilt = ''] = withText(/ALTER COLUMN "price" TYPE/);
  expect(rebuilt).toContain('CREATE VIEW');
  expect(rebuilt).toContain('items_price');
  expect(rebuilt).not.toMatch(/nick|items_kind|items_owner/);
  expect(withText(/CONCURRENTLY "users_nick"/)).toHaveLength(1);
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [], down: { irreversible: null, differences: [] } });
});

test('a finished rename of a partitioned table is what was wanted, whatever its partitions call their indexes', async () => {
  const parcels = `CREATE TABLE parcels (id bigint NOT NULL, at date NOT NULL, email text, PRIMARY KEY (id, at), CONSTRAINT parcels_key UNIQUE (email, at)) PARTITION BY RANGE (at);
CREATE TABLE parcels_2024 PARTITION OF parcels FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX parcels_email ON parcels (email);`;
  await addMigration(project, '1.1.0', 'parcels', parcels);
  await project.json('release', 'cut', '1.1.0');
  project.write('wanted.sql', `${BEFORE}\n${parcels.replaceAll(/\bemail\b/g, 'mail')}`);
  const flags = ['--rename', 'parcels.email=mail', '--releases', '1.2.0,1.3.0,1.4.0'];
  await project.json('new', 'migration-from-diff', 'wanted', '--to', 'wanted.sql', ...flags);
  const { json } = await project.phase('verify', '--json', '--from', 'migrations', '--to', 'wanted.sql');
  expect(json).toMatchObject({ ok: true, differences: [], down: { differences: [] } });
});
