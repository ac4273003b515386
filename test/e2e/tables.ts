/** A table whose column is renamed on every version of PostgreSQL. */
export interface TableCase {
  readonly title: string;
  readonly schema: string;
  /** As in SQL. */
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

const long = 'a'.repeat(63);

export const TABLES: readonly TableCase[] = [
  {
    title: 'a column with everything on it',
    table: 'users',
    from: 'email',
    to: 'email_address',
    schema: `
      CREATE TABLE accounts (email varchar(200) PRIMARY KEY, tenant int, UNIQUE (tenant, email));
      CREATE TABLE users (id int PRIMARY KEY, tenant int, email varchar(200) COLLATE "C" DEFAULT 'nobody' NOT NULL, name text,
        CONSTRAINT users_email_key UNIQUE (email), CONSTRAINT later UNIQUE (email, tenant) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT no_question CHECK (email ~ '^[^?]+$' AND email <> '\\?'), CHECK (email <> name),
        CONSTRAINT account FOREIGN KEY (tenant, email) REFERENCES accounts (tenant, email) MATCH FULL ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE,
        FOREIGN KEY (email) REFERENCES accounts ON DELETE CASCADE);
      INSERT INTO accounts SELECT 'u' || n, n % 3 FROM generate_series(1, 500) AS n;
      INSERT INTO users SELECT n, n % 3, 'u' || n, 'N' || n FROM generate_series(1, 500) AS n;
      CREATE INDEX users_lower ON users (lower(email) DESC NULLS LAST) WHERE tenant > 0;
      CREATE UNIQUE INDEX users_covering ON users (tenant, email text_pattern_ops) INCLUDE (name) WITH (fillfactor = 70);
      CREATE INDEX users_hash ON users USING hash (email);
      ALTER INDEX users_lower ALTER COLUMN 1 SET STATISTICS 500;
      COMMENT ON COLUMN users.email IS 'Where''s \\ it?'; COMMENT ON INDEX users_lower IS 'for the search';
      COMMENT ON CONSTRAINT no_question ON users IS 'why?';
      ALTER TABLE users ALTER COLUMN email SET STATISTICS 321, ALTER COLUMN email SET STORAGE EXTERNAL, ALTER COLUMN email SET (n_distinct = -0.5);
      GRANT SELECT (email), UPDATE (email) ON users TO PUBLIC;`,
  },
  {
    title: 'extended statistics over columns and expressions',
    table: 'people',
    from: 'city',
    to: 'town',
    schema: `
      -- Last in the table: PostgreSQL keeps the columns of statistics in the order of their positions.
      CREATE TABLE people (zip text, street text, city text);
      CREATE STATISTICS people_zip ON zip, city FROM people;
      CREATE STATISTICS "People's ?" (dependencies, mcv) ON city, street, zip FROM people;
      CREATE STATISTICS people_lower ON (lower(city)), (city || zip) FROM people;
      CREATE STATISTICS people_other ON zip, street FROM people;
      ALTER STATISTICS people_zip SET STATISTICS 300; COMMENT ON STATISTICS people_lower IS 'for the search';
      INSERT INTO people SELECT n % 10, 's' || n, 'c' || n % 10 FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'triggers of the application that name the column',
    table: 'people',
    from: 'mail',
    to: 'email',
    schema: `
      CREATE TABLE people (id serial PRIMARY KEY, mail text, changes int NOT NULL DEFAULT 0);
      CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END $$;
      CREATE TRIGGER listed BEFORE UPDATE OF changes, mail ON people FOR EACH ROW EXECUTE FUNCTION count_change();
      CREATE TRIGGER conditional AFTER UPDATE ON people FOR EACH ROW WHEN (OLD.mail IS DISTINCT FROM NEW.mail AND NEW.mail <> 'x?') EXECUTE FUNCTION count_change();
      CREATE TRIGGER other AFTER INSERT ON people EXECUTE FUNCTION count_change();
      ALTER TABLE people DISABLE TRIGGER conditional; ALTER TABLE people ENABLE ALWAYS TRIGGER listed;
      COMMENT ON TRIGGER listed ON people IS 'counts';
      ALTER TABLE people DISABLE TRIGGER other;
      INSERT INTO people (mail) SELECT CASE WHEN n % 5 > 0 THEN 'm' || n END FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'names in mixed case with quotes and keywords',
    table: '"Weird ""Schema"""."select"',
    from: 'Weird "Name"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the name is meant to look like a template
    to: "O'Brien \\ ? $1 ${x} `y`",
    schema: `
      CREATE SCHEMA "Weird ""Schema""";
      CREATE TABLE "Weird ""Schema"""."select" ("from" int, "Weird ""Name""" text DEFAULT 'it''s \\ ?' NOT NULL, "Weird" text, "Weird ""Name"" 2" text);
      CREATE UNIQUE INDEX "Index ""x""" ON "Weird ""Schema"""."select" ("Weird ""Name""", "from");
      ALTER TABLE "Weird ""Schema"""."select" ADD CONSTRAINT "Check's ?" CHECK ("Weird ""Name""" <> "Weird");
      INSERT INTO "Weird ""Schema"""."select" SELECT n, 'v' || n, 'w', 'z' FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'names of 63 bytes that begin alike',
    table: long,
    from: `${'c'.repeat(62)}1`,
    to: `${'c'.repeat(62)}2`,
    schema: `
      CREATE TABLE ${long} (id int, ${'c'.repeat(62)}1 uuid DEFAULT gen_random_uuid());
      CREATE INDEX ${'i'.repeat(62)}1 ON ${long} (${'c'.repeat(62)}1);
      CREATE INDEX ${'i'.repeat(62)}2 ON ${long} (${'c'.repeat(62)}1 DESC);
      INSERT INTO ${long} (id) SELECT n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a sequence that the column owns, and a name that is a part of others',
    table: 'tickets',
    from: 'no',
    to: 'no_',
    schema: `
      CREATE TABLE tickets (node int, no serial NOT NULL, nothing text, CHECK (no > 0 AND node IS NOT NULL));
      CREATE UNIQUE INDEX no_no ON tickets (no, node);
      ALTER TABLE tickets CLUSTER ON no_no; ALTER TABLE tickets ALTER node SET NOT NULL, REPLICA IDENTITY USING INDEX no_no;
      INSERT INTO tickets (node) SELECT n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'an enum array with a default',
    table: 'moods',
    from: 'feels',
    to: 'felt',
    schema: `
      CREATE TYPE mood AS ENUM ('ok', 'so?');
      CREATE TABLE moods (id int, feels mood[] NOT NULL DEFAULT '{ok}', about json);
      CREATE INDEX moods_gin ON moods USING gin (feels);
      INSERT INTO moods SELECT n, CASE WHEN n % 2 = 0 THEN '{so?}'::mood[] ELSE '{ok}' END FROM generate_series(1, 300) AS n;`,
  },
];
