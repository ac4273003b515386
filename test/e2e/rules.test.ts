import { afterEach, expect } from '@jest/globals';
import { migrateBetween, pairAtPhase1 } from '../support/pair-fixture.ts';
import { R2, R3, type RenameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

/** A rule on the table sees what a statement gives, before any trigger: in phase 2 that may be either column. */
onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());
  const rows = (sql: string) => fixture.database.sql(sql);

  const RULES = `CREATE TABLE log (what text, value text, before text);
    CREATE RULE comes AS ON INSERT TO users DO ALSO INSERT INTO log VALUES ('comes', NEW.email);
    CREATE RULE changes AS ON UPDATE TO users DO ALSO INSERT INTO log VALUES ('changes', NEW.email, OLD.email);
    CREATE RULE goes AS ON DELETE TO users DO ALSO INSERT INTO log VALUES ('goes', OLD.email)`;
  const phase1 = async (column: string): Promise<void> => {
    fixture = await pairAtPhase1(
      server(),
      `CREATE TABLE users (id int, email ${column}, note text); INSERT INTO users VALUES (1, 'a@x'); ${RULES}`,
    );
  };
  /** What the rules have written since the last time. */
  const logged = async (): Promise<string[]> => {
    const lines = await rows(`SELECT concat_ws(' ', what, before, value) AS line FROM log`);
    await rows('DELETE FROM log');
    return lines.map(({ line }) => String(line));
  };
  const EVERY = (column: string): string => `INSERT INTO users (id, ${column}) VALUES (2, '${column}');
    UPDATE users SET ${column} = '${column} 2' WHERE id = 2; UPDATE users SET note = 'n' WHERE id = 2; UPDATE users SET ${column} = NULL WHERE id = 2; DELETE FROM users WHERE id = 2`;
  const all = (column: string): string[] => [
    `comes ${column}`,
    `changes ${column} ${column} 2`,
    `changes ${column} 2 ${column} 2`,
    `changes ${column} 2`,
    'goes',
  ];

  test.each([['text'], [`text DEFAULT 'none'`], [`text DEFAULT 'v' || random()`]])(
    '%s: writes of both releases are seen as they are given',
    async (column) => {
      await phase1(column);
      expect(await logged()).toEqual([]);
      await rows(EVERY('email'));
      expect(await logged()).toEqual(all('email'));
      await fixture.deploy(R2);
      expect(await logged()).toEqual([]);
      for (const side of ['email', 'addr']) {
        await rows(EVERY(side));
        expect(await logged()).toEqual(all(side));
      }
      await fixture.deploy(R3);
      await rows(EVERY('addr'));
      expect(await logged()).toEqual(all('addr'));
    },
  );

  test('what is not given is the default, also one that has been changed between the phases', async () => {
    await phase1(`text DEFAULT 'none'`);
    await fixture.deploy(R2);
    await rows('INSERT INTO users (id) VALUES (3)');
    expect(await logged()).toEqual(['comes none']);
    const sql = `ALTER TABLE users ALTER addr SET DEFAULT 'other', ALTER email SET DEFAULT 'other'`;
    expect(await migrateBetween(fixture, '1.2.5', sql)).toMatchObject({ code: 0 });
    await rows(
      `INSERT INTO users (id) VALUES (4); INSERT INTO users (id, email) VALUES (5, 'e'); INSERT INTO users (id, addr) VALUES (6, 'none')`,
    );
    expect(await logged()).toEqual(['comes other', 'comes e', 'comes none']);
    await fixture.deploy(R3);
  });

  test('a rule that was made behind the back of the rename is carried over by a refresh', async () => {
    await phase1('text');
    await fixture.deploy(R2);
    await rows(`CREATE RULE late AS ON UPDATE TO users DO ALSO INSERT INTO log VALUES ('late', NEW.email)`);
    const { project } = fixture;
    const refused = await project.phase('migrate', '--release', R3, '--straggler-window', '0', '--json');
    expect([refused.code, refused.json.error.code, refused.json.error.message]).toEqual([
      4,
      'PH2008',
      expect.stringContaining('rule late'),
    ]);
    await project.json('new', 'rename-column', '--refresh', 'users_email_to_addr', '--release', '1.2.9', '--yes');
    await project.json('release', 'cut', '1.2.9');
    await fixture.deploy(R3);
    await rows(`DELETE FROM log; UPDATE users SET addr = 'z'`);
    expect(await logged()).toEqual(['changes a@x z', 'late z']);
  });

  test('a rule that a script makes anew on the old column in phase 2 is bound to the new one', async () => {
    await phase1('text');
    await fixture.deploy(R2);
    await rows(`CREATE OR REPLACE RULE goes AS ON DELETE TO users DO ALSO INSERT INTO log VALUES ('gone', OLD.email);
      CREATE OR REPLACE RULE comes AS ON INSERT TO users DO ALSO INSERT INTO log VALUES ('came', NEW.email)`);
    await fixture.deploy(R3);
    await rows(EVERY('addr'));
    expect(await logged()).toEqual(['came addr', ...all('addr').slice(1, -1), 'gone']);
  });

  test('a rule that somebody has dropped does not come back', async () => {
    await phase1('text');
    await rows('DROP RULE comes ON users');
    await fixture.deploy(R2);
    await rows('DROP RULE changes ON users');
    await fixture.deploy(R3);
    expect(await rows(`SELECT rulename FROM pg_rules WHERE tablename = 'users'`)).toEqual([{ rulename: 'goes' }]);
  });
});
