import { afterEach, expect, test } from '@jest/globals';
import { addMigration } from '../support/history.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

let fixture: RenameFixture;
afterEach(() => fixture.remove());

const tidy = (column: string) => `CREATE OR REPLACE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN NEW.${column} := lower(trim(NEW.${column})); NEW.seen := coalesce(NEW.seen, 0) + 1; RETURN NEW; END $$;`;
const schema = (trigger: string) => `CREATE TABLE users (id int PRIMARY KEY, old text, seen int); ${tidy('old')}
  CREATE TRIGGER ${trigger} BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy();
  INSERT INTO users (id, old) VALUES (1, ' FIRST '), (2, NULL)`;

/** Writes one column, and gives what both hold. */
async function write(column: 'old' | 'new', value: string): Promise<object> {
  const { sql } = fixture.database;
  await sql('DELETE FROM users WHERE id = 9');
  const [inserted] = await sql(`INSERT INTO users (id, ${column}) VALUES (9, $1) RETURNING old, new`, [value]);
  const [updated] = await sql(`UPDATE users SET ${column} = $1 WHERE id = 9 RETURNING old, new`, [`${value}!`]);
  const [untouched] = await sql('UPDATE users SET seen = 0 WHERE id = 9 RETURNING old, new');
  expect(untouched).toEqual(updated);
  return [inserted, updated];
}

const both = (value: string) => [
  { old: value, new: value },
  { old: `${value}!`, new: `${value}!` },
];

test.each(['tidy_it', '00_a', '~last'])(
  'what a trigger called %s makes of the column stands on both sides, in both phases',
  async (trigger) => {
    fixture = await renameFixture({ schema: schema(`"${trigger}"`) });
    await fixture.deploy(R1);
    expect(await fixture.database.sql('SELECT old, new FROM users ORDER BY id')).toEqual([
      { old: 'first', new: 'first' },
      { old: null, new: null },
    ]);
    expect(await write('old', ' ABC ')).toEqual(
      both('abc').map((row, at) => (at === 0 ? row : { old: 'abc !', new: 'abc !' })),
    );
    await fixture.deploy(R2);
    // The function still names the old column, which the new release does not write.
    expect(await write('new', 'DEF')).toEqual(both('def'));
    expect(await write('old', 'GHI')).toEqual(both('ghi'));
    await fixture.database.sql(tidy('new'));
    expect(await write('new', 'JKL')).toEqual(both('jkl'));
    expect(await write('old', 'MNO')).toEqual(both('mno'));
    await fixture.deploy(R3);
    expect(await fixture.database.sql(`INSERT INTO users (id, new) VALUES (10, ' X ') RETURNING new`)).toEqual([
      { new: 'x' },
    ]);
  },
);

test.each([
  ['NEW := tidied(NEW)', 'RETURN NEW'],
  ['SELECT (tidied(NEW)).* INTO NEW', 'RETURN NEW'],
  ['NULL', 'RETURN tidied(NEW)'],
  ['SELECT * INTO STRICT NEW FROM tidied(NEW)', 'RETURN NEW'],
  ['FOR NEW IN SELECT * FROM tidied(NEW) LOOP NULL; END LOOP', 'RETURN NEW'],
  ['"new" := tidied(NEW)', 'RETURN NEW'],
  ['CALL tidy_up(NEW)', 'RETURN NEW'],
])('a trigger that changes the row without naming the column is followed: %s; %s', async (statement, end) => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE, seen int);
      CREATE FUNCTION tidied(r users) RETURNS users LANGUAGE plpgsql AS $$ BEGIN r := jsonb_populate_record(r, jsonb_build_object(chr(111) || 'ld', lower(to_jsonb(r) ->> (chr(111) || 'ld')))); RETURN r; END $$;
      CREATE PROCEDURE tidy_up(INOUT r users) LANGUAGE plpgsql AS $$ BEGIN r := tidied(r); END $$;
      CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; ${end}; END $$;
      CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy()`,
  });
  await fixture.deploy(R1);
  expect(await write('old', 'ABC')).toEqual(both('abc'));
  await fixture.deploy(R2);
  expect(await write('new', 'DEF')).toEqual(both('def'));
  expect(await write('old', 'GHI')).toEqual(both('ghi'));
});

test('the wizard names the function, and phase 3 waits for a version that names the new column', async () => {
  fixture = await renameFixture({ schema: schema('tidy_it') });
  await fixture.deploy(R1);
  await fixture.deploy(R2);
  // Not the version that phase 2 has brought it to.
  await fixture.database.sql(tidy('old').replace('seen, 0) + 1', 'seen, 0) + 2'));
  const refused = await fixture.project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
  expect(refused).toMatchObject({
    code: 4,
    json: {
      error: { code: 'PH2008', message: expect.stringContaining('function public.tidy() of the trigger "tidy_it"') },
    },
  });
  await fixture.database.sql(tidy('new'));
  await fixture.deploy(R3);
});

test('a trigger that writes into the same table does not confuse the outer row', async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text, seen int);
      CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.id < 100 THEN INSERT INTO users (id, old) VALUES (NEW.id + 100, 'Nested'); END IF; NEW.old := lower(NEW.old); RETURN NEW; END $$;
      CREATE TRIGGER spread BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spread()`,
  });
  await fixture.deploy(R1);
  await fixture.deploy(R2);
  await fixture.database.sql(`INSERT INTO users (id, new) VALUES (1, 'Outer')`);
  expect(await fixture.database.sql('SELECT id, old, new FROM users ORDER BY id')).toEqual([
    { id: 1, old: 'outer', new: 'outer' },
    { id: 101, old: 'nested', new: 'nested' },
  ]);
});

test('a jump holds the contract until finish; what comes after it is refused', async () => {
  fixture = await renameFixture({
    schema: 'CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE); INSERT INTO users VALUES (1, $$a$$)',
  });
  const { project, deploy } = fixture;
  await deploy(R1);
  const { applied, held } = await project.json('migrate', '--release', R3, '--straggler-window', '0');
  expect([applied, held]).toEqual([[expect.stringContaining('switch')], [expect.stringContaining('contract')]]);
  expect((await project.json('status')).renames).toMatchObject([{ phase: 2 }]);
  project.write('package.json', '{ "version": "1.4.0" }');
  await addMigration(project, '1.4.0', 'later', 'SELECT 1');
  expect((await project.phase('migrate', '--release', '1.4.0', '--json')).json.error).toMatchObject({
    code: 'PH2004',
    details: { stops: [R3] },
  });
  expect((await project.json('finish', '--straggler-window', '0')).applied).toEqual(held);
});
