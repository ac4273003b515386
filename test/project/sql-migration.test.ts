import { expect, test } from '@jest/globals';
import { parseSqlMigration } from '../../src/project/sql-migration.ts';

test('what stands before phase:down is up, what stands after it is down', async () => {
  const { up, down, transaction } = await parseSqlMigration(
    'x.sql',
    'CREATE TABLE t ();\n-- phase:down\nDROP TABLE t;\n',
  );
  expect({ up, down, transaction }).toEqual({ up: ['CREATE TABLE t ()'], down: ['DROP TABLE t'], transaction: true });
});

test('a first line takes it out of the transaction', async () => {
  expect((await parseSqlMigration('x.sql', '-- phase:no-transaction\nVACUUM;')).transaction).toBe(false);
  const commented = '/* Copyright */\n\n-- A header.\n-- phase:no-transaction\nVACUUM;';
  expect((await parseSqlMigration('x.sql', commented)).transaction).toBe(false);
});

test('a mark of the byte order before the first line does not count', async () => {
  const read = await parseSqlMigration('x.sql', '\ufeff-- phase:no-transaction\nVACUUM;');
  expect(read).toMatchObject({ transaction: false, up: ['VACUUM'] });
});

test('semicolons in quotes, dollar quotes, comments and bodies do not split', async () => {
  const text = `INSERT INTO t VALUES ('a;ü', E'\\';'); /* ; */ CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
    DO $x$ BEGIN PERFORM 1; END $x$`;
  const { up } = await parseSqlMigration('x.sql', text);
  expect(up).toHaveLength(3);
  expect(up[0]).toBe(`INSERT INTO t VALUES ('a;ü', E'\\';')`);
  expect(up[2]).toMatch(/^DO \$x\$ BEGIN PERFORM 1; END \$x\$$/);
});

test('without phase:down there is no way back', async () => {
  expect((await parseSqlMigration('x.sql', 'SELECT 1')).down).toBeNull();
});

test.each(['BEGIN; SELECT 1; COMMIT;', 'SELEC 1;'])('%s is refused', async (text) => {
  await expect(parseSqlMigration('db/migrate/x.sql', text)).rejects.toMatchObject({
    code: 'PH3014',
    message: expect.stringContaining('db/migrate/x.sql'),
  });
});

test.each([
  '-- phase: down',
  '-- PHASE:DOWN',
  '--phase:Down',
  '  -- phase:down',
  '-- phase:down and out',
  '/* phase:down */',
  '-- phase:dwon',
  '-- phase=down',
  '-- phase:no_transaction',
  '-- phase: no transaction',
  '-- phase:no-transaction',
])('a comment that is nearly a directive is refused with its line: %s', async (line) => {
  await expect(parseSqlMigration('x.sql', `SELECT 'ü';\n${line}\nSELECT 2;`)).rejects.toMatchObject({
    code: 'PH3014',
    why: expect.stringMatching(/^Line 2.*-- phase:(down|no-transaction)"/),
  });
});

test.each([
  ['a second way back', 'SELECT 1;\n-- phase:down\nSELECT 2;\n-- phase:down\nSELECT 3;', /^Line 4 is a second/],
  ['a NUL byte, which would end it', 'SELECT 1;\0SELECT 2;', /NUL/],
])('%s is refused', async (_what, text, why) => {
  await expect(parseSqlMigration('x.sql', text)).rejects.toMatchObject({
    code: 'PH3014',
    why: expect.stringMatching(why),
  });
});

test('what stands in a literal, in a body or in words is no directive', async () => {
  const text = `SELECT 'a\n-- phase:down\n';\nDO $$ BEGIN\n-- phase:down\nPERFORM 1; END $$; -- the phase: two of three\n-- phase:down \r\nSELECT 2;`;
  const { up, down } = await parseSqlMigration('x.sql', text);
  expect([up.length, down]).toEqual([2, ['SELECT 2']]);
});
