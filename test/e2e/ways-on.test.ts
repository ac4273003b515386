import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { catalogue } from '../../src/domain/errors/catalogue.ts';
import { repository } from '../support/bookshop.ts';
import { addMigration } from '../support/history.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

/** docs/refusals.md says a way on for each refusal that can be met once releases are cut; each is walked here, or in a test that is named there. */
let fixture: RenameFixture | undefined;
afterEach(async () => {
  await fixture?.remove();
  fixture = undefined;
});

const RENAME = 'users_old_to_new';
const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL UNIQUE CHECK (old <> ''), other int);
  CREATE INDEX users_other ON users (other, old); INSERT INTO users SELECT n, 'v' || n, n FROM generate_series(1, 50) AS n`;

/** All three releases are cut, and these have been deployed. */
async function deployed(releases: readonly string[], schema = SCHEMA): Promise<RenameFixture> {
  fixture = await renameFixture({ schema });
  for (const release of releases) await fixture.deploy(release);
  return fixture;
}

const migrate = (release: string) =>
  (fixture as RenameFixture).project.phase('migrate', '--release', release, '--straggler-window', '0', '--json');

/** Refused with a code, and after the way on the same command goes through. */
async function walks(release: string, code: string, way: (remedy: string) => Promise<unknown>): Promise<void> {
  const refused = await migrate(release);
  expect({ exit: refused.code, code: refused.json.error?.code }).toEqual({ exit: 4, code });
  await way(refused.json.error.remedy);
  const ran = await migrate(release);
  expect({ exit: ran.code, error: ran.json.error }).toEqual({ exit: 0 });
}

async function stepId(step: string): Promise<string> {
  const { applied } = await (fixture as RenameFixture).project.json('status');
  return applied.find(({ id }: { id: string }) => id.endsWith(`_${step}`)).id;
}

const pastTheSync = (sql: string) =>
  (fixture as RenameFixture).database.sql(
    `SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`,
  );

describe('PH2005, rows that differ', () => {
  test.each([
    [[R1], R2, 'v'],
    [[R1, R2], R3, 'w'],
  ])(
    'after %j the statement that the refusal gives puts them right by the side that has authority',
    async (before, next, kept) => {
      const { database } = await deployed(before);
      await pastTheSync(`UPDATE users SET new = 'w' || id WHERE id <= 3`);
      await walks(next, 'PH2005', async (remedy) => {
        const statement = /(UPDATE .*) puts them right/.exec(remedy)?.[1] ?? '';
        await database.sql(statement);
      });
      expect(await database.sql('SELECT new FROM users WHERE id = 1')).toEqual([{ new: `${kept}1` }]);
    },
  );

  test('before phase 2 the backfill does, in batches', async () => {
    const { database, project } = await deployed([R1]);
    await pastTheSync(`UPDATE users SET new = 'w' || id`);
    await walks(R2, 'PH2005', async () => project.json('resolve', await stepId('backfill'), '--retry'));
    expect(await database.sql('SELECT new FROM users WHERE id = 1')).toEqual([{ new: 'v1' }]);
  });
});

describe('PH2007, something of the phase before is gone', () => {
  test.each([
    'DROP INDEX users_other_triphase',
    'ALTER TABLE users DROP CONSTRAINT users_old_check_triphase',
    'ALTER TABLE users DROP CONSTRAINT users_old_key_triphase',
  ])('after %s the constraints of the rename run again', async (sql) => {
    const { database, project } = await deployed([R1]);
    await database.sql(sql);
    await walks(R2, 'PH2007', async () => project.json('resolve', await stepId('constrain'), '--retry'));
  });

  test('a trigger that is disabled is enabled', async () => {
    const { database } = await deployed([R1]);
    await database.sql('ALTER TABLE users DISABLE TRIGGER USER');
    await walks(R2, 'PH2007', () => database.sql('ALTER TABLE users ENABLE TRIGGER USER'));
  });

  test('a trigger and a function that are gone are made from their files', async () => {
    const { database, project } = await deployed([R1]);
    await database.sql('DROP FUNCTION sync_users_old_phase_1 CASCADE');
    await walks(R2, 'PH2007', async () => {
      for (const [path, text] of Object.entries(project.files())) {
        if (/db\/functions\/sync_.*phase_1/.test(path)) await database.sql(text);
      }
      for (const [path, text] of Object.entries(project.files())) {
        if (/db\/triggers\/.*phase_1/.test(path)) await database.sql(text);
      }
    });
  });

  test('a new column that is gone is made anew by undoing the first phase', async () => {
    const { database, project } = await deployed([R1]);
    await database.sql('ALTER TABLE users DROP COLUMN new CASCADE');
    const refused = await migrate(R2);
    expect(refused).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2018', remedy: expect.stringContaining('phase rollback') } },
    });
    await project.json('rollback', '--steps', '3');
    await project.json('migrate', '--release', R1);
    expect((await migrate(R2)).code).toBe(0);
    expect(await database.sql('SELECT count(*)::int AS rows FROM users WHERE new = old')).toEqual([{ rows: 50 }]);
  });
});

describe('PH2008, something hangs on the old column, and all releases are cut', () => {
  test('a refresh goes into a hotfix release before the third one', async () => {
    const { database, project } = await deployed([R1, R2]);
    await database.sql(
      'CREATE INDEX only_here ON users (lower(old)); CREATE VIEW shouted AS SELECT upper(old) AS name FROM users',
    );
    await walks(R3, 'PH2008', async (remedy) => {
      expect(remedy).toContain('--refresh');
      const cut = await project.phase('new', 'rename-column', '--refresh', RENAME, '--yes', '--json');
      expect(cut.json.error).toMatchObject({ code: 'PH1019', remedy: expect.stringContaining('--release 1.2.1') });
      await project.json('new', 'rename-column', '--refresh', RENAME, '--release', '1.2.1', '--yes');
      await project.json('release', 'cut', '1.2.1');
    });
    const indexes = await database.sql(`SELECT indexdef FROM pg_indexes WHERE indexname = 'only_here'`);
    expect(indexes).toEqual([{ indexdef: 'CREATE INDEX only_here ON public.users USING btree (lower(new))' }]);
    expect(await database.sql('SELECT name FROM shouted LIMIT 1')).toHaveLength(1);
  });

  test('a function is mended in a hotfix release before the third one', async () => {
    const { database, project } = await deployed([R1, R2]);
    const using = (column: string): string =>
      `CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM NEW.${column}; RETURN NEW; END $$;`;
    await database.sql(`${using('old')} CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`);
    await walks(R3, 'PH2008', async () => {
      project.write('package.json', '{"version": "1.2.1"}');
      await addMigration(project, '1.2.1', 'mend', using('new'));
      await project.json('release', 'cut', '1.2.1');
    });
  });

  test('a child of another parent, too, is taken out of one', async () => {
    const { database } = await deployed([R1, R2]);
    await database.sql('CREATE TABLE other (old text); CREATE TABLE child () INHERITS (users, other)');
    await walks(R3, 'PH2008', () => database.sql('ALTER TABLE child NO INHERIT other'));
  });

  test('what need not be kept is dropped, or acknowledged', async () => {
    const { database, project } = await deployed([R1, R2]);
    await database.sql('CREATE INDEX only_here ON users (lower(old)); CREATE VIEW report AS SELECT old FROM users');
    await walks(R3, 'PH2008', async (remedy) => {
      await database.sql('DROP VIEW report');
      expect(remedy).toContain(`phase acknowledge ${RENAME} 'index "only_here"' --why`);
      await project.json('acknowledge', RENAME, 'index "only_here"', '--why', 'nobody reads by it');
    });
  });
});

test('PH2006, a straggler: the window passes, or is overridden', async () => {
  const { database, project } = await deployed([R1, R2]);
  await database.sql(`UPDATE users SET old = 'late' WHERE id = 1`);
  const refused = await project.phase('migrate', '--release', R3, '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2006']);
  expect((await migrate(R3)).code).toBe(0);
});

describe('PH2011, the new column has something of its own that undoing the first phase would drop', () => {
  test('nothing is undone before it is out of the way', async () => {
    const { database, project } = await deployed([R1, R2, R3]);
    await database.sql('CREATE INDEX late ON users (lower(new)); CREATE VIEW shouted AS SELECT upper(new) FROM users');
    const undo = () => project.phase('rollback', '--steps', '5', '--json');
    expect((await undo()).json).toMatchObject({
      error: { code: 'PH2011', why: expect.stringMatching(/index "late".*view .*shouted/) },
    });
    expect((await project.json('status')).renames).toMatchObject([{ phase: 3 }]);
    await database.sql('DROP VIEW shouted; DROP INDEX late');
    expect((await undo()).json.reverted).toHaveLength(5);
  });

  test('what a later migration has made, and takes back itself, is not in the way', async () => {
    const { project } = await deployed([R1, R2, R3]);
    project.write('package.json', '{ "version": "1.4.0" }');
    const make = 'CREATE INDEX late ON users (lower(new));\n-- phase:down\nDROP INDEX late';
    await addMigration(project, '1.4.0', 'late', make);
    await project.json('release', 'cut', '1.4.0');
    await project.json('migrate', '--release', '1.4.0');
    expect((await project.json('rollback', '--steps', '6')).reverted).toHaveLength(6);
  });
});

test('PH2013, a table that is too large for its lock: rewriteLimit is raised', async () => {
  const { project } = await deployed(
    [],
    `CREATE DOMAIN short AS text CHECK (length(VALUE) < 50); CREATE TABLE users (id int PRIMARY KEY, old short); INSERT INTO users SELECT n, 'v' || n FROM generate_series(1, 500) AS n`,
  );
  project.write('phase.config.ts', `export default { rewriteLimit: '8kB' }`);
  await walks(R1, 'PH2013', async () => project.write('phase.config.ts', `export default { rewriteLimit: '8MB' }`));
});

test('PH2014, rows that violate a constraint which is not valid: they are set right', async () => {
  const { database } = await deployed(
    [],
    `CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, ''); ALTER TABLE users ADD CONSTRAINT filled CHECK (old <> '') NOT VALID`,
  );
  await walks(R1, 'PH2014', () => database.sql(`UPDATE users SET old = 'x'`));
});

test('PH2016, a published table without identity: it gets one', async () => {
  const { database } = await deployed([], 'CREATE TABLE users (id int, old text); INSERT INTO users VALUES (1, $$a$$)');
  await database.sql('CREATE PUBLICATION changes FOR TABLE users');
  await walks(R1, 'PH2016', () => database.sql('ALTER TABLE users REPLICA IDENTITY FULL'));
});

test('every refusal has its row in docs/refusals.md', () => {
  const page = readFileSync(join(repository, 'docs', 'refusals.md'), 'utf8');
  const codes = Object.entries(catalogue).flatMap(([code, { exit }]) => (exit === 4 ? [code] : []));
  expect(codes.filter((code) => !page.includes(`| ${code} |`))).toEqual([]);
});
