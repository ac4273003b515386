/** A table whose column is renamed on every version of PostgreSQL. */
export interface TableCase {
  readonly title: string;
  readonly schema: string;
  /** As in SQL. */
  readonly table: string;
  readonly from: string;
  readonly to: string;
  /** The first version of PostgreSQL that has what the schema uses. */
  readonly since?: number;
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
  {
    title: 'a primary key that other tables reference',
    table: 'users',
    from: 'id',
    to: 'user_id',
    schema: `
      CREATE TABLE users (id bigserial CONSTRAINT users_id PRIMARY KEY, name text, referrer bigint REFERENCES users ON DELETE SET NULL);
      CREATE UNIQUE INDEX users_name ON users (name) INCLUDE (id);
      ALTER TABLE users CLUSTER ON users_id; COMMENT ON CONSTRAINT users_id ON users IS 'the key';
      CREATE TABLE posts (id int PRIMARY KEY, author bigint NOT NULL CONSTRAINT author REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE,
        editor bigint, FOREIGN KEY (editor) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
      COMMENT ON CONSTRAINT author ON posts IS 'who wrote it';
      INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 300) AS n; UPDATE users SET referrer = id - 1 WHERE id % 7 = 0;
      INSERT INTO posts SELECT n, n, n FROM generate_series(1, 300) AS n;
      SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE posts ADD CONSTRAINT loose FOREIGN KEY (editor) REFERENCES users NOT VALID;`,
  },
  {
    title: 'a column of a deferrable primary key',
    table: 'stock',
    from: 'shop',
    to: 'store',
    schema: `
      CREATE TABLE stock (shop int, item int, amount int NOT NULL DEFAULT 0, PRIMARY KEY (shop, item) DEFERRABLE);
      INSERT INTO stock SELECT n % 10, n, n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a column of a primary key with INCLUDE that a key of two columns references in another order',
    table: 'shelf',
    from: 'shop',
    to: 'store',
    schema: `
      CREATE TABLE shelf (shop int, item int, place text, PRIMARY KEY (item, shop) INCLUDE (place));
      CREATE TABLE moves (shop int, item int, FOREIGN KEY (shop, item) REFERENCES shelf (shop, item) MATCH FULL ON DELETE SET DEFAULT);
      INSERT INTO shelf SELECT n % 10, n, 'p' FROM generate_series(1, 300) AS n; INSERT INTO moves SELECT shop, item FROM shelf;`,
  },
  {
    title: 'views that need the primary key, and a function that names its constraint',
    table: 'stock',
    from: 'item',
    to: 'article',
    schema: `
      CREATE TABLE stock (item int PRIMARY KEY, shop int, amount int NOT NULL DEFAULT 0);
      CREATE VIEW totals AS SELECT item, shop, sum(amount) AS total FROM stock GROUP BY item;
      CREATE VIEW "Top ""totals""" WITH (security_barrier) AS SELECT t.item AS "The item", t.total FROM totals t WHERE total > 0;
      GRANT SELECT ON totals TO PUBLIC; COMMENT ON VIEW totals IS 'per item';
      CREATE FUNCTION put(what int, how_many int) RETURNS int LANGUAGE sql BEGIN ATOMIC
        INSERT INTO stock (item, amount) VALUES (what, how_many) ON CONFLICT ON CONSTRAINT stock_pkey DO UPDATE SET amount = stock.amount + excluded.amount RETURNING stock.item;
      END;
      INSERT INTO stock SELECT n, n % 10, n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'an identity, with its sequence used up to somewhere',
    table: 'orders',
    from: 'no',
    to: 'number',
    schema: `
      CREATE TABLE orders (no int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "Order numbers" START 1000 INCREMENT 5 CACHE 3) PRIMARY KEY, what text);
      GRANT USAGE ON SEQUENCE "Order numbers" TO PUBLIC; COMMENT ON SEQUENCE "Order numbers" IS 'printed on bills';
      INSERT INTO orders (what) SELECT 'w' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'views on views, rules, policies and functions with parsed bodies',
    table: 'people',
    from: 'mail',
    to: 'email',
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, mail text, "mail 2" text, tenant int);
      CREATE TABLE notes (id int, about text);
      CREATE VIEW reachable AS SELECT id, mail, lower(mail) AS folded, tenant FROM people WHERE mail IS NOT NULL WITH LOCAL CHECK OPTION;
      CREATE VIEW named (a, b) WITH (security_barrier = true, check_option = cascaded) AS SELECT r.id, r.mail FROM reachable r WHERE r.tenant > 0;
      CREATE VIEW several AS SELECT p.mail, p."mail 2" FROM people p UNION SELECT x.mail, 'mail' FROM people x JOIN notes n ON n.about = x.mail;
      ALTER VIEW reachable ALTER COLUMN tenant SET DEFAULT 7; GRANT SELECT (mail) ON reachable TO PUBLIC;
      CREATE RULE change AS ON UPDATE TO several DO INSTEAD (UPDATE people SET mail = NEW.mail WHERE people.mail = OLD.mail; INSERT INTO notes VALUES (1, NEW.mail));
      CREATE FUNCTION mail_of(which int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public RETURN (SELECT mail FROM people WHERE id = which);
      CREATE PROCEDURE forget(which int) BEGIN ATOMIC UPDATE people SET mail = NULL WHERE id = which; DELETE FROM notes WHERE about IN (SELECT mail FROM people); END;
      CREATE FUNCTION enter(which int, what text) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC INSERT INTO people (id, mail) VALUES (which, what)
        ON CONFLICT (id) DO UPDATE SET mail = excluded.mail WHERE people.tenant = 1 RETURNING people.mail; END;
      CREATE RULE add AS ON INSERT TO several DO INSTEAD INSERT INTO people (id, tenant) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET tenant = people.tenant + 1;
      ALTER TABLE people ENABLE ROW LEVEL SECURITY; ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON people FOR UPDATE USING (mail = current_user) WITH CHECK (mail <> '' AND tenant = 1);
      CREATE POLICY "about me" ON notes AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM people p WHERE p.mail = notes.about));
      INSERT INTO people SELECT n, CASE WHEN n % 9 > 0 THEN 'm' || n END, NULL, n % 3 FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a view with security_invoker, and one that joins by the name of the column',
    table: 'people',
    from: 'mail',
    to: 'email',
    since: 15,
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, tenant int, mail text); CREATE TABLE notes (about text, mail text);
      CREATE VIEW mine WITH (security_invoker = true) AS SELECT mail FROM people;
      CREATE VIEW joined AS SELECT mail, about FROM people JOIN notes USING (mail);
      INSERT INTO people SELECT n, n, 'm' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a partitioned table with everything on it',
    table: 'events',
    from: 'code',
    to: 'kind',
    schema: `
      CREATE TABLE codes (code text PRIMARY KEY); INSERT INTO codes SELECT 'c' || n FROM generate_series(0, 9) AS n;
      CREATE TABLE events (id bigint, day date NOT NULL, note text, code text NOT NULL DEFAULT 'c0' REFERENCES codes ON UPDATE CASCADE,
        CONSTRAINT one UNIQUE (code, day, note, id), PRIMARY KEY (id, day, code), CHECK (code <> note)) PARTITION BY RANGE (day);
      CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
      CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2020-02-01') TO ('2020-03-01') PARTITION BY LIST (id);
      CREATE TABLE "events 2 a" PARTITION OF events_2 FOR VALUES IN (1, 2, 3, 4, 5);
      CREATE TABLE events_2_b PARTITION OF events_2 DEFAULT;
      CREATE TABLE events_rest PARTITION OF events DEFAULT;
      CREATE UNIQUE INDEX events_lower ON events (lower(code), day, id) WHERE code <> 'c9';
      CREATE INDEX events_1_alone ON events_1 (code DESC); ALTER TABLE events_1 ADD CONSTRAINT short CHECK (length(code) < 9);
      CREATE STATISTICS events_about ON code, note FROM events_rest; COMMENT ON INDEX events_lower IS 'search';
      CREATE TABLE seen (id bigint, day date, code text, note text, FOREIGN KEY (code, day, note, id) REFERENCES events (code, day, note, id) ON DELETE CASCADE);
      CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER noted AFTER UPDATE OF code ON events FOR EACH ROW WHEN (NEW.code <> 'c1') EXECUTE FUNCTION noted();
      ALTER TABLE events_1 DISABLE TRIGGER noted; ALTER TABLE events_1 CLUSTER ON events_1_code_day_note_id_key;
      ALTER TABLE events ALTER code SET STATISTICS 200; ALTER TABLE events_1 ALTER code SET STATISTICS 50, ALTER code SET STORAGE PLAIN;
      COMMENT ON COLUMN events_1.code IS 'old ones'; GRANT SELECT (code) ON events_1 TO PUBLIC; ALTER TABLE events_rest ALTER note SET NOT NULL;
      CREATE VIEW first AS SELECT id, code FROM events_1;
      INSERT INTO events SELECT n, '2020-01-01'::date + n::int / 4, 'n', 'c' || n % 10 FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'constraints that are not valid',
    table: 'people',
    from: 'age',
    to: 'years',
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, age int, tall int);
      CREATE TABLE ages (age int PRIMARY KEY); INSERT INTO ages SELECT generate_series(1, 50);
      INSERT INTO people SELECT n, n, n FROM generate_series(1, 100) AS n;
      ALTER TABLE people ADD CONSTRAINT "of age" CHECK (age >= 0) NO INHERIT NOT VALID; COMMENT ON CONSTRAINT "of age" ON people IS 'since May';`,
  },
  {
    title: 'constraints that are not enforced, and a NOT NULL with a name',
    table: 'people',
    from: 'age',
    to: 'years',
    since: 18,
    schema: `
      CREATE TABLE ages (age int PRIMARY KEY);
      CREATE TABLE people (id int PRIMARY KEY, age int CONSTRAINT "must be" NOT NULL,
        CONSTRAINT young CHECK (age < 10) NOT ENFORCED, FOREIGN KEY (age) REFERENCES ages NOT ENFORCED);
      INSERT INTO people (id, age) SELECT n, n FROM generate_series(1, 100) AS n;`,
  },
  {
    title: 'a virtual generated column',
    table: 'people',
    from: 'age',
    to: 'years',
    since: 18,
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, age int, doubled int GENERATED ALWAYS AS (age * 2) VIRTUAL);
      CREATE VIEW twice AS SELECT doubled FROM people; INSERT INTO people (id, age) SELECT n, n FROM generate_series(1, 100) AS n;`,
  },
  {
    title: 'a NOT NULL that older rows need not satisfy',
    table: 'people',
    from: 'age',
    to: 'years',
    since: 18,
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, age int); INSERT INTO people SELECT n, n FROM generate_series(1, 100) AS n;
      ALTER TABLE people ADD CONSTRAINT aged NOT NULL age NOT VALID;`,
  },
  {
    title: 'a temporal constraint, and a key that references it',
    table: 'rooms',
    from: 'during',
    to: 'period',
    since: 18,
    schema: `
      CREATE EXTENSION IF NOT EXISTS btree_gist;
      CREATE TABLE rooms (room int, during daterange, CONSTRAINT once UNIQUE (room, during WITHOUT OVERLAPS));
      CREATE TABLE stays (room int, during daterange, FOREIGN KEY (room, PERIOD during) REFERENCES rooms (room, PERIOD during));
      INSERT INTO rooms SELECT n, daterange('2020-01-01', '2020-01-05') FROM generate_series(1, 100) AS n;
      INSERT INTO stays SELECT n, daterange('2020-01-02', '2020-01-03') FROM generate_series(1, 100) AS n;`,
  },
  {
    title: 'what takes an exclusive lock: an exclusion constraint, a materialized view, a domain',
    table: 'rooms',
    from: 'floor',
    to: 'storey',
    schema: `
      CREATE DOMAIN base AS int DEFAULT 4; CREATE DOMAIN storey AS base CHECK (VALUE < 100) CHECK (VALUE > -5);
      CREATE TABLE rooms (id int, floor storey NOT NULL, CONSTRAINT apart EXCLUDE USING btree (floor WITH =, id WITH =) WHERE (floor > 0) DEFERRABLE,
        CONSTRAINT "only where" EXCLUDE USING btree (id WITH =) WHERE (floor = 99),
        CONSTRAINT computed EXCLUDE USING btree ((floor + id * 1000) WITH =));
      COMMENT ON CONSTRAINT apart ON rooms IS 'no two';
      INSERT INTO rooms SELECT n, n % 10 FROM generate_series(1, 300) AS n;
      CREATE MATERIALIZED VIEW floors (f, number) WITH (fillfactor = 70) AS SELECT floor, count(*) FROM rooms GROUP BY floor;
      CREATE UNIQUE INDEX floors_f ON floors (f) WHERE f > 0; CREATE INDEX floors_number ON floors (number);
      ALTER MATERIALIZED VIEW floors CLUSTER ON floors_number; COMMENT ON MATERIALIZED VIEW floors IS 'counted'; GRANT SELECT ON floors TO PUBLIC;
      ALTER MATERIALIZED VIEW floors ALTER number SET STATISTICS 77;`,
  },
  {
    title: 'a stored generated column, and others on it',
    table: 'people',
    from: 'first',
    to: 'given',
    since: 17,
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, first text, last text, name text GENERATED ALWAYS AS (first || ' ' || last) STORED NOT NULL, CHECK (name <> first));
      CREATE INDEX people_name ON people (name, first); CREATE VIEW named AS SELECT name FROM people WHERE first > 'a';
      INSERT INTO people (id, first, last) SELECT n, 'f' || n, 'l' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'publications with column lists and row filters',
    table: 'people',
    from: 'mail',
    to: 'email',
    since: 15,
    schema: `
      CREATE TABLE people (id int, mail text NOT NULL, tenant int, PRIMARY KEY (id, mail)); CREATE TABLE others (id int PRIMARY KEY);
      CREATE PUBLICATION listed FOR TABLE people (id, mail), others;
      CREATE PUBLICATION "Filtered one" FOR TABLE people WHERE (mail <> 'x' AND id > 3) WITH (publish = 'insert, delete');
      CREATE PUBLICATION whole FOR TABLE people;
      INSERT INTO people SELECT n, 'm' || n, n % 3 FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a deferrable key with SET NULL of one column, and a policy that goes through a view',
    table: 'people',
    from: 'mail',
    to: 'email',
    since: 15,
    schema: `
      CREATE TABLE accounts (tenant int, mail text, PRIMARY KEY (tenant, mail));
      CREATE TABLE people (id int PRIMARY KEY, tenant int NOT NULL, mail text, CONSTRAINT account FOREIGN KEY (tenant, mail) REFERENCES accounts
        ON DELETE SET NULL (mail) DEFERRABLE INITIALLY DEFERRED);
      CREATE VIEW mails WITH (security_invoker) AS SELECT mail AS address FROM people;
      CREATE TABLE letters (receiver text); ALTER TABLE letters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY known ON letters USING (receiver IN (SELECT address FROM mails)) WITH CHECK (EXISTS (SELECT 1 FROM people WHERE mail = receiver));
      INSERT INTO accounts SELECT n % 3, 'm' || n FROM generate_series(1, 300) AS n; INSERT INTO people SELECT n, n % 3, 'm' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a partitioned table that references another one, and partitions of other forms',
    table: 'moves',
    from: 'item',
    to: 'article',
    schema: `
      CREATE SCHEMA parts;
      CREATE TABLE items (item int, day date, code text, PRIMARY KEY (item, day), UNIQUE (day, item, code)) PARTITION BY RANGE (day);
      CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); CREATE TABLE items_2 PARTITION OF items DEFAULT;
      CREATE TABLE moves (item int, day date, code text, n int NOT NULL, CONSTRAINT of_item FOREIGN KEY (day, item, code) REFERENCES items (day, item, code) ON DELETE CASCADE)
        PARTITION BY LIST (n);
      CREATE TABLE parts.other (gone int, code text, n int NOT NULL, item int, day date); ALTER TABLE parts.other DROP COLUMN gone;
      ALTER TABLE parts.other ADD CONSTRAINT own UNIQUE (item, n), ADD CONSTRAINT own_check CHECK (item > 0);
      CREATE TABLE names (item int PRIMARY KEY); INSERT INTO names SELECT generate_series(1, 300);
      ALTER TABLE parts.other ADD CONSTRAINT own_key FOREIGN KEY (item) REFERENCES names ON UPDATE CASCADE; CREATE INDEX alone ON parts.other (code, item);
      INSERT INTO items SELECT n, '2020-01-01'::date + n * 3, 'c' FROM generate_series(1, 300) AS n;
      ALTER TABLE moves ATTACH PARTITION parts.other FOR VALUES IN (1); CREATE TABLE moves_d PARTITION OF moves DEFAULT PARTITION BY HASH (n);
      CREATE TABLE moves_d_0 PARTITION OF moves_d FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      CREATE INDEX moves_code ON moves (code, item); CREATE POLICY few ON moves_d USING (item > 3);
      INSERT INTO moves SELECT item, day, code, item % 4 FROM items;`,
  },
  {
    title: 'children by plain inheritance, some of which define the column themselves',
    table: 'cities',
    from: 'name',
    to: 'title',
    schema: `
      CREATE SCHEMA far;
      CREATE TABLE cities (id serial PRIMARY KEY, name varchar(50) NOT NULL DEFAULT 'nowhere', people int, CONSTRAINT named CHECK (name <> ''));
      CREATE TABLE capitals (state text, CONSTRAINT other CHECK (name <> state)) INHERITS (cities);
      CREATE TABLE far.ports (name varchar(50), harbour text) INHERITS (cities); CREATE TABLE far."Both" (note text) INHERITS (capitals, far.ports);
      CREATE UNIQUE INDEX capitals_name ON capitals (name, state); CREATE INDEX cities_name ON cities (lower(name)); CREATE INDEX ON far."Both" (name) WHERE harbour <> 'x';
      ALTER TABLE far.ports ADD CONSTRAINT port UNIQUE (name); CREATE STATISTICS far.of_ports ON name, harbour FROM far.ports;
      CREATE TABLE states (name varchar(50) PRIMARY KEY); INSERT INTO states SELECT 'c' || n FROM generate_series(1, 900) AS n;
      ALTER TABLE capitals ADD CONSTRAINT of_state FOREIGN KEY (name) REFERENCES states ON UPDATE CASCADE;
      CREATE TABLE ships (home varchar(50) REFERENCES far.ports (name));
      COMMENT ON COLUMN far.ports.name IS 'of the port'; ALTER TABLE capitals ALTER name SET STATISTICS 50; GRANT SELECT (name) ON capitals TO PUBLIC;
      CREATE FUNCTION checked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER here BEFORE UPDATE OF name ON capitals FOR EACH ROW WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION checked();
      CREATE VIEW harbours AS SELECT name, harbour FROM far.ports; CREATE VIEW all_cities AS SELECT name, tableoid FROM cities; CREATE VIEW own AS SELECT name FROM ONLY cities;
      INSERT INTO cities (name) SELECT 'c' || n FROM generate_series(1, 300) AS n; INSERT INTO capitals (name, state) SELECT 'c' || n, 's' FROM generate_series(301, 600) AS n;
      INSERT INTO far.ports (name) SELECT 'c' || n FROM generate_series(601, 900) AS n; INSERT INTO far."Both" (name) SELECT 'c' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a primary key, and those of children by plain inheritance',
    table: 'things',
    from: 'id',
    to: 'thing',
    schema: `
      CREATE TABLE things (id int PRIMARY KEY, note text); CREATE TABLE tools (weight int, CONSTRAINT tool PRIMARY KEY (id)) INHERITS (things);
      CREATE TABLE toys (age int, PRIMARY KEY (age, id)) INHERITS (things); CREATE TABLE loose () INHERITS (things);
      CREATE TABLE shelves (tool int REFERENCES tools ON DELETE CASCADE, thing int REFERENCES things, FOREIGN KEY (thing, tool) REFERENCES toys (age, id));
      COMMENT ON CONSTRAINT tool ON tools IS 'its key'; ALTER TABLE tools CLUSTER ON tool;
      INSERT INTO things SELECT generate_series(1, 300); INSERT INTO tools (id) SELECT generate_series(1, 300); INSERT INTO toys (age, id) SELECT n, n FROM generate_series(1, 300) AS n;
      INSERT INTO loose SELECT generate_series(5, 300); INSERT INTO shelves SELECT n, n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'the primary key of a partitioned table, and keys that reference it',
    table: 'stock',
    from: 'item',
    to: 'article',
    schema: `
      CREATE TABLE stock (item int, day date, earlier int, PRIMARY KEY (item, day)) PARTITION BY RANGE (day);
      CREATE TABLE stock_1 PARTITION OF stock FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); CREATE TABLE stock_2 PARTITION OF stock DEFAULT;
      ALTER TABLE stock ADD CONSTRAINT follows FOREIGN KEY (earlier, day) REFERENCES stock (item, day);
      CREATE TABLE sales (thing int, day date, CONSTRAINT sold FOREIGN KEY (thing, day) REFERENCES stock ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
      CREATE TABLE moves (item int, day date, n int, CONSTRAINT moved FOREIGN KEY (item, day) REFERENCES stock (item, day) ON DELETE SET NULL) PARTITION BY LIST (n);
      CREATE TABLE moves_1 PARTITION OF moves FOR VALUES IN (1); CREATE TABLE moves_2 PARTITION OF moves DEFAULT; COMMENT ON CONSTRAINT sold ON sales IS 'what was sold';
      INSERT INTO stock SELECT n, '2020-01-01'::date + n * 3, n FROM generate_series(1, 300) AS n;
      INSERT INTO sales SELECT item, day FROM stock; INSERT INTO moves SELECT item, day, item % 3 FROM stock;
      SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE sales ADD CONSTRAINT loose FOREIGN KEY (thing, day) REFERENCES stock NOT VALID;`,
  },
  {
    title: 'a stored generated column itself',
    table: 'people',
    from: 'name',
    to: 'full_name',
    schema: `
      CREATE FUNCTION joined(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE RETURN a || ' ' || b;
      CREATE TABLE people (id int PRIMARY KEY, first text, last text, name text COLLATE "C" GENERATED ALWAYS AS (joined(first, last)) STORED NOT NULL CHECK (name <> ''));
      CREATE UNIQUE INDEX people_name ON people (name); CREATE INDEX people_lower ON people (lower(name)) INCLUDE (first) WHERE name <> 'x'; ALTER TABLE people ADD CONSTRAINT known UNIQUE (name, id);
      CREATE TABLE letters (receiver text REFERENCES people (name)); CREATE STATISTICS of_name ON name, first FROM people; COMMENT ON COLUMN people.name IS 'both';
      CREATE VIEW names AS SELECT name FROM people; CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER seen AFTER UPDATE ON people FOR EACH ROW WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION seen(); GRANT SELECT (name) ON people TO PUBLIC;
      INSERT INTO people SELECT n, 'f' || n, 'l' || n FROM generate_series(1, 300) AS n; INSERT INTO letters SELECT name FROM people;`,
  },
  {
    title: 'a virtual generated column itself',
    table: 'people',
    from: 'name',
    to: 'full_name',
    since: 18,
    schema: `
      CREATE TABLE people (id int PRIMARY KEY, first text, last text, name text GENERATED ALWAYS AS (first || ' ' || last)); CREATE VIEW names AS SELECT name FROM people;
      INSERT INTO people SELECT n, 'f' || n, 'l' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'a generated column of children',
    table: 'people',
    from: 'name',
    to: 'full_name',
    schema: `
      CREATE TABLE people (id int, first text, name text GENERATED ALWAYS AS (upper(first)) STORED); CREATE TABLE kids (age int) INHERITS (people);
      CREATE INDEX ON kids (name); INSERT INTO people SELECT n, 'f' || n FROM generate_series(1, 300) AS n; INSERT INTO kids SELECT n, 'f' || n FROM generate_series(1, 300) AS n;`,
  },
  {
    title: 'rules on the table itself',
    table: 'people',
    from: 'mail',
    to: 'email',
    schema: `
      CREATE TABLE people (id int, mail varchar(50) DEFAULT 'none', note text); CREATE TABLE kept (what text, before text, after text); CREATE TABLE kids () INHERITS (people);
      CREATE RULE "Logs it" AS ON UPDATE TO people WHERE OLD.mail IS DISTINCT FROM NEW.mail DO ALSO (
        INSERT INTO kept VALUES ('update', OLD.mail, CASE WHEN NEW.mail = 'x' THEN NEW.note ELSE upper(NEW.mail) END);
        INSERT INTO kept SELECT 'all', p.mail, NEW.mail FROM people p WHERE p.id = NEW.id);
      CREATE RULE comes AS ON INSERT TO people DO ALSO INSERT INTO kept (what, after) VALUES ('insert', NEW.mail);
      CREATE RULE goes AS ON DELETE TO people DO INSTEAD UPDATE people SET mail = OLD.mail || ' (gone)' WHERE id = OLD.id;
      CREATE RULE of_kids AS ON UPDATE TO kids DO ALSO INSERT INTO kept VALUES ('kid', NEW.mail); CREATE RULE other AS ON INSERT TO kids DO ALSO INSERT INTO kept VALUES ('kid');
      COMMENT ON RULE comes ON people IS 'kept, too'; ALTER TABLE people DISABLE RULE goes;
      INSERT INTO people SELECT n, 'm' || n FROM generate_series(1, 300) AS n; INSERT INTO kids SELECT n, 'm' || n FROM generate_series(1, 300) AS n;`,
  },
];
