import { afterEach, expect } from '@jest/globals';
import { migrateBetween, pairAtPhase1 } from '../support/pair-fixture.ts';
import { R2, R3, type RenameFixture } from '../support/rename-fixture.ts';
import { onVersions, versionedTest as test } from '../support/versions.ts';

/** A log of what is altered, whose function names things without their schema, as most do. */
const LOGGED = `CREATE TABLE changes (tag text); CREATE FUNCTION note(tag text) RETURNS void LANGUAGE sql AS 'INSERT INTO changes VALUES (tag)';
  CREATE FUNCTION log_change() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM note(tg_tag); END $$;
  CREATE EVENT TRIGGER log_change ON ddl_command_end EXECUTE FUNCTION log_change();
  CREATE EVENT TRIGGER log_drop ON sql_drop EXECUTE FUNCTION log_change();`;

onVersions((server) => {
  let fixture: RenameFixture;
  afterEach(() => fixture.remove());
  const rows = (sql: string) => fixture.database.sql(sql);

  test.each([
    [
      'a default, an index and what is bound anew',
      `CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE DEFAULT 'none' CHECK (email <> ''), seen int); CREATE VIEW mails AS SELECT id, email FROM users;
       CREATE MATERIALIZED VIEW firsts AS SELECT min(email) AS email FROM users;
       CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
       CREATE TRIGGER tidy BEFORE UPDATE OF email ON users FOR EACH ROW WHEN (NEW.email IS NOT NULL) EXECUTE FUNCTION tidy();
       CREATE RULE keep AS ON DELETE TO users WHERE OLD.email = 'kept' DO INSTEAD NOTHING;`,
    ],
    ['a primary key', 'CREATE TABLE users (email text PRIMARY KEY DEFAULT now()::text, id int);'],
  ])('event triggers find what they name by the search path: %s', async (_title, schema) => {
    fixture = await pairAtPhase1(server(), `${schema}${LOGGED} INSERT INTO users (id, email) VALUES (1, 'a@x')`);
    const alter = (value: string) => `ALTER TABLE users ALTER COLUMN email SET DEFAULT '${value}';`;
    const between = await migrateBetween(fixture, '1.1.5', `${alter('late')}\n-- phase:down\n${alter('none')}`);
    expect(between).toMatchObject({ code: 0 });
    await fixture.deploy(R2);
    await rows(`INSERT INTO users (id, addr) VALUES (2, 'b@x'); INSERT INTO users (id) VALUES (3)`);
    await fixture.deploy(R3);
    expect(await rows('SELECT addr FROM users ORDER BY id')).toEqual(['a@x', 'b@x', 'late'].map((addr) => ({ addr })));
    await fixture.project.json('rollback', '--steps', '6');
    expect(await rows('SELECT email FROM users ORDER BY id')).toHaveLength(3);
    expect(await rows('SELECT tag FROM changes')).not.toEqual([]);
  });
});
