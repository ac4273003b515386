import { afterEach, describe, expect, test } from '@jest/globals';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { deployedFixture } from '../support/deployed-fixture.ts';
import { migrateBetween } from '../support/pair-fixture.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';
import { expectPlainRename, expectSameCatalogue, plainRenames } from './oracle.ts';

const SCHEMA = `CREATE TABLE p (z int NOT NULL, b int NOT NULL UNIQUE, PRIMARY KEY (z, b)); INSERT INTO p VALUES (1, 1), (2, 2);
  CREATE TABLE users (c text, d int, a int NOT NULL, b int NOT NULL DEFAULT 1, CONSTRAINT pk PRIMARY KEY (a, b), CONSTRAINT ck CHECK (a > 0 AND b > 0), CONSTRAINT un UNIQUE (b, d),
    CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p);
  CREATE INDEX i ON users (a, b); CREATE STATISTICS st (ndistinct) ON a, b FROM users; INSERT INTO users VALUES ('x', 1, 1, 1)`;
const COLUMNS = [
  { from: 'a', to: 'x' },
  { from: 'b', to: 'y' },
] as const;
const [{ from, to }, ...also] = COLUMNS;
const NAME = 'users_a_b_to_x_y';

let fixture: RenameFixture;
const others: TestDatabase[] = [];
afterEach(async () => {
  await fixture.remove();
  for (const database of others.splice(0)) await database.drop();
});

const begin = async (release: string): Promise<void> => {
  const releases = release === R1 ? [R1] : [R1, R2];
  fixture = await deployedFixture({ schema: SCHEMA, from, to, also }, ...releases);
};
const migrate = (release: string) =>
  fixture.project.phase('migrate', '--release', release, '--straggler-window', '0', '--json');

/** The end is what the schema with the same change of hand, then renamed, is. */
async function expectEnd(change: string): Promise<void> {
  const plain = await plainRenames(serverUrl(), `${SCHEMA}; ${change}`, 'users', COLUMNS);
  others.push(plain);
  await expectPlainRename(fixture.database, plain);
}

describe('what was on several columns, and is made anew on a later one alone, is what it is now in the end', () => {
  test.each([
    'ALTER TABLE users DROP CONSTRAINT ck; ALTER TABLE users ADD CONSTRAINT ck CHECK (b > 0)',
    'DROP INDEX i; CREATE INDEX i ON users (b)',
    'ALTER TABLE users DROP CONSTRAINT pk; ALTER TABLE users ADD CONSTRAINT pk PRIMARY KEY (b)',
    'DROP STATISTICS st; CREATE STATISTICS st (dependencies) ON b, d FROM users',
    'ALTER TABLE users DROP CONSTRAINT fk; ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES p (b)',
  ])('%s', async (change) => {
    await begin(R1);
    await fixture.database.sql(change);
    for (const release of [R2, R3]) await fixture.deploy(release);
    await expectEnd(change);
  });
});

describe('what was on the column, and is made anew without it, is none of the rename, of one column or of several', () => {
  const schema = SCHEMA.replace('CONSTRAINT ck CHECK (a > 0 AND b > 0)', 'CONSTRAINT ck CHECK (a > 0 AND d > 0)');
  const CHANGE = `ALTER TABLE users DROP CONSTRAINT ck, DROP CONSTRAINT un, DROP CONSTRAINT fk; DROP INDEX i; DROP STATISTICS st;
    ALTER TABLE users ADD CONSTRAINT ck CHECK (d > 0), ADD CONSTRAINT un UNIQUE (d), ADD CONSTRAINT fk FOREIGN KEY (d) REFERENCES p (b);
    CREATE INDEX i ON users (d); CREATE STATISTICS st ON c, d FROM users`;
  test.each([[[]], [also]])('%#', async (more) => {
    fixture = await deployedFixture({ schema, from, to, also: more }, R1);
    await fixture.database.sql(CHANGE);
    for (const release of [R2, R3]) await fixture.deploy(release);
    const columns = [{ from, to }, ...more];
    const plain = await plainRenames(serverUrl(), `${schema}; ${CHANGE}`, 'users', columns);
    others.push(plain);
    await expectPlainRename(fixture.database, plain);
  });
});

test('so it is where a migration does it, at once', async () => {
  await begin(R1);
  const change = `ALTER TABLE users DROP CONSTRAINT ck; ALTER TABLE users ADD CONSTRAINT ck CHECK (b > 0); DROP INDEX i; CREATE INDEX i ON users (b); CREATE UNIQUE INDEX new_one ON users (a, b, c)`;
  expect((await migrateBetween(fixture, '1.1.5', change)).code).toBe(0);
  await fixture.database.sql('INSERT INTO p VALUES (-1, 5); INSERT INTO users (x, y) VALUES (-1, 5)');
  await fixture.database.sql('DELETE FROM users WHERE a < 0');
  for (const release of [R2, R3]) await fixture.deploy(release);
  await fixture.database.sql('DELETE FROM p WHERE z < 0');
  await expectEnd(change);
});

test('a constraint that only gets another name keeps its twin, and upserts go on', async () => {
  await begin(R2);
  await fixture.database.sql(
    'ALTER TABLE users RENAME CONSTRAINT un TO other; ALTER TABLE users RENAME CONSTRAINT ck TO checked',
  );
  await fixture.project.json('migrate', '--release', R2);
  await fixture.database.sql(`INSERT INTO users (x, y, d) VALUES (2, 2, 7) ON CONFLICT (y, d) DO NOTHING`);
  expect(
    await fixture.database.sql(
      `SELECT conname AS name FROM pg_constraint WHERE conname IN ('un_triphase', 'ck_triphase') ORDER BY 1`,
    ),
  ).toEqual([{ name: 'ck_triphase' }, { name: 'un_triphase' }]);
});

test.each([0, 1])(
  'a column that is renamed by hand is refused with the way back, whichever it is, and a rollback goes on: %#',
  async (at) => {
    await begin(R1);
    const column = COLUMNS[at]?.from ?? '';
    await fixture.database.sql(`ALTER TABLE users RENAME COLUMN ${column} TO elsewhere`);
    expect(await migrate(R2)).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2018', remedy: expect.stringContaining(`TO "${column}"`) } },
    });
    await fixture.database.sql(`ALTER TABLE users RENAME COLUMN elsewhere TO ${column}`);
    for (const release of [R2, R3]) await fixture.deploy(release);
  },
);

test('what names an old column and the new one of another cannot be refreshed, and says why', async () => {
  fixture = await deployedFixture({ schema: SCHEMA, from, to, also, cut: [R1, R2] }, R1, R2);
  await fixture.database.sql('CREATE INDEX mixed ON users (a, y)');
  const { json } = await fixture.project.phase('new', 'rename-column', '--refresh', NAME, '--yes', '--json');
  expect(json.error).toMatchObject({ code: 'PH2001', why: expect.stringContaining('names both columns') });
});

test('the gate leads to the whole by name, which acknowledges what hangs on any of the columns', async () => {
  await begin(R2);
  await fixture.database.sql('CREATE INDEX on_a ON users (a); CREATE INDEX on_b ON users (b)');
  for (const name of ['on_a', 'on_b']) {
    const { json } = await migrate(R3);
    expect(json.error.remedy).toContain(`phase acknowledge ${NAME} 'index "${name}"'`);
    await fixture.project.json('acknowledge', NAME, `index "${name}"`, '--why', 'nobody needs it');
  }
  await fixture.deploy(R3);
});

test('a foreign key of a child over several of them has its twin on all new names', async () => {
  const schema = `CREATE TABLE ext (b int, a int, PRIMARY KEY (b, a)); CREATE TABLE users (id int PRIMARY KEY, a int, b int); CREATE TABLE k1 () INHERITS (users);
    ALTER TABLE k1 ADD CONSTRAINT kf FOREIGN KEY (b, a) REFERENCES ext (b, a), ADD UNIQUE (b, a), ADD FOREIGN KEY (a, b) REFERENCES k1 (b, a)`;
  fixture = await renameFixture({ schema, from, to, also });
  for (const release of [R1, R2, R3]) await fixture.deploy(release);
  const plain = await plainRenames(serverUrl(), schema, 'users', COLUMNS);
  others.push(plain);
  await expectPlainRename(fixture.database, plain);
});

test('undone in part and done again, a partition whose key was moved ends alike', async () => {
  const schema = `CREATE TABLE users (id int NOT NULL, a int NOT NULL DEFAULT 3, b text NOT NULL, region int NOT NULL, CONSTRAINT pk PRIMARY KEY (region, a, b, id)) PARTITION BY LIST (region);
    CREATE TABLE t1 PARTITION OF users FOR VALUES IN (1); INSERT INTO users VALUES (1, 1, 'x', 1)`;
  fixture = await renameFixture({ schema, from, to, also });
  for (const release of [R1, R2, R3]) await fixture.deploy(release);
  const once = await createDatabase();
  others.push(once);
  const first = await fixture.database.sql(
    `SELECT conrelid::regclass::text AS on, conname, pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid IN ('users'::regclass, 't1'::regclass) ORDER BY 1, 2`,
  );
  for (const steps of ['1', '3']) {
    await fixture.project.json('rollback', '--steps', steps);
    await fixture.deploy(R3);
    expect(
      await fixture.database.sql(
        `SELECT conrelid::regclass::text AS on, conname, pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid IN ('users'::regclass, 't1'::regclass) ORDER BY 1, 2`,
      ),
    ).toEqual(first);
  }
});

test('a view that groups by the key, and was refreshed, is there when phase 3 is undone', async () => {
  fixture = await deployedFixture({ schema: SCHEMA, from, to, also, cut: [R1, R2] }, R1, R2);
  const untouched = await createDatabase();
  others.push(untouched);
  await fixture.database.sql('CREATE VIEW grouped AS SELECT a, b, c, count(*) FROM users GROUP BY a, b');
  await untouched.sql(`${SCHEMA}; CREATE VIEW grouped AS SELECT a, b, c, count(*) FROM users GROUP BY a, b`);
  await fixture.project.json('new', 'rename-column', '--refresh', NAME, '--yes');
  await fixture.project.json('release', 'cut', R3);
  await fixture.deploy(R3);
  await fixture.project.json('rollback', '--steps', '6');
  await expectSameCatalogue(fixture.database, untouched);
});
