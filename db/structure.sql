-- The schema that all migrations give. phase dump writes this file: change migrations, and not it.
-- It is loaded by phase db load, or by: psql -v ON_ERROR_STOP=1 --single-transaction -f

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET client_min_messages = warning;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE SEQUENCE "public"."books_id_seq";

CREATE SEQUENCE "public"."customers_id_seq";

CREATE SEQUENCE "public"."orders_id_seq";

CREATE TABLE "public"."books" (
  "id" bigint NOT NULL DEFAULT nextval('public.books_id_seq'::regclass),
  "price" numeric(8,2) NOT NULL,
  "main_title" text,
  "subtitle" text,
  "size" text,
  CONSTRAINT "books_pkey" PRIMARY KEY (id)
);

CREATE TABLE "public"."cards" (
  "customer_id" bigint NOT NULL,
  "issued_at" timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "visits" integer DEFAULT 0,
  CONSTRAINT "cards_pkey" PRIMARY KEY (customer_id)
);

CREATE TABLE "public"."customers" (
  "id" bigint NOT NULL DEFAULT nextval('public.customers_id_seq'::regclass),
  "name" text NOT NULL,
  "country" character(2) NOT NULL DEFAULT 'GB'::bpchar,
  "created_at" timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "email_address" character varying(320) NOT NULL,
  CONSTRAINT "customers_email_check" CHECK ((POSITION(('@'::text) IN (email_address)) > 1)),
  CONSTRAINT "customers_email_key" UNIQUE (email_address),
  CONSTRAINT "customers_pkey" PRIMARY KEY (id)
);

CREATE TABLE "public"."order_lines" (
  "order_id" bigint NOT NULL,
  "book_id" bigint NOT NULL,
  "quantity" bigint NOT NULL,
  CONSTRAINT "order_lines_pkey" PRIMARY KEY (order_id, book_id)
);

CREATE TABLE "public"."orders" (
  "id" bigint NOT NULL DEFAULT nextval('public.orders_id_seq'::regclass),
  "customer_id" bigint NOT NULL,
  "ordered_at" timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "orders_pkey" PRIMARY KEY (id)
);

ALTER SEQUENCE "public"."books_id_seq" OWNED BY "public"."books"."id";

ALTER SEQUENCE "public"."customers_id_seq" OWNED BY "public"."customers"."id";

ALTER SEQUENCE "public"."orders_id_seq" OWNED BY "public"."orders"."id";

CREATE OR REPLACE FUNCTION public.touch_updated_at()
  RETURNS trigger
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$function$;

ALTER TABLE "public"."cards"
  ADD CONSTRAINT "cards_customer_id_foreign" FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE CASCADE;

ALTER TABLE "public"."order_lines"
  ADD CONSTRAINT "order_lines_book_id_foreign" FOREIGN KEY (book_id) REFERENCES public.books(id);

ALTER TABLE "public"."orders"
  ADD CONSTRAINT "orders_customer_id_foreign" FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE CASCADE;

ALTER TABLE "public"."order_lines"
  ADD CONSTRAINT "order_lines_order_id_foreign" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE CASCADE;

CREATE INDEX customers_country_email_idx ON public.customers USING btree (country, email_address) INCLUDE (name);

CREATE INDEX customers_email_lower_idx ON public.customers USING btree (lower((email_address)::text));

CREATE INDEX orders_customer_id_index ON public.orders USING btree (customer_id);

CREATE TRIGGER customers_touch
  BEFORE UPDATE OF name, country ON public.customers
  FOR EACH ROW
  EXECUTE FUNCTION public.touch_updated_at();

COMMENT ON COLUMN "public"."customers"."email_address" IS 'Where order confirmations go.';

-- The ledger, and what has run in it: nothing that this schema has runs once more.

CREATE SCHEMA IF NOT EXISTS "phase";
COMMENT ON SCHEMA "phase" IS 'Ledger of triphase: what was migrated in this database. Not part of the application.';

CREATE TABLE "phase".ledger (
  format int NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  served_before boolean NOT NULL,
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
COMMENT ON TABLE "phase".ledger IS 'One row: the ledger itself.';
COMMENT ON COLUMN "phase".ledger.format IS 'Which format the tables of this schema have.';
COMMENT ON COLUMN "phase".ledger.created_at IS 'When phase first migrated this database.';
COMMENT ON COLUMN "phase".ledger.served_before IS 'Whether the database had tables then, so that something older than every manifest may be running on it.';
COMMENT ON COLUMN "phase".ledger.only_row IS 'Keeps this table at one row.';

CREATE TABLE "phase".migrations (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('schema', 'data')),
  release text NOT NULL,
  rename text,
  phase int CHECK (phase BETWEEN 1 AND 3),
  sha256 text NOT NULL,
  breaks text,
  state text NOT NULL CHECK (state IN ('started', 'applied')),
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  duration_ms bigint,
  applied_order bigint GENERATED ALWAYS AS IDENTITY,
  who text NOT NULL DEFAULT session_user,
  host text NOT NULL,
  tool_version text NOT NULL
);
COMMENT ON TABLE "phase".migrations IS 'What is applied in this database now; a row of a transactional migration commits with it.';
COMMENT ON COLUMN "phase".migrations.id IS 'Name of the migration''s file without its extension.';
COMMENT ON COLUMN "phase".migrations.kind IS 'schema or data.';
COMMENT ON COLUMN "phase".migrations.release IS 'Lowest release whose manifest lists it.';
COMMENT ON COLUMN "phase".migrations.rename IS 'Rename that it is a step of.';
COMMENT ON COLUMN "phase".migrations.phase IS 'Phase of that rename.';
COMMENT ON COLUMN "phase".migrations.sha256 IS 'Checksum of the file that ran.';
COMMENT ON COLUMN "phase".migrations.breaks IS 'Range of application releases that cannot live since it ran.';
COMMENT ON COLUMN "phase".migrations.state IS 'started: it runs outside a transaction and has not finished. applied: it has.';
COMMENT ON COLUMN "phase".migrations.started_at IS 'When it began.';
COMMENT ON COLUMN "phase".migrations.finished_at IS 'When it was complete.';
COMMENT ON COLUMN "phase".migrations.duration_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN "phase".migrations.applied_order IS 'The order in which they began.';
COMMENT ON COLUMN "phase".migrations.who IS 'Role of the database that ran it.';
COMMENT ON COLUMN "phase".migrations.host IS 'Machine that ran it.';
COMMENT ON COLUMN "phase".migrations.tool_version IS 'Version of triphase that ran it.';

CREATE TABLE "phase".attempts (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  migration text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down', 'resolve')),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  outcome text CHECK (outcome IN ('done', 'failed')),
  error_code text,
  error text,
  run text NOT NULL
);
COMMENT ON TABLE "phase".attempts IS 'History: every time that a migration was tried, undone or resolved by hand. Never deleted.';
COMMENT ON COLUMN "phase".attempts.number IS 'The order of the attempts.';
COMMENT ON COLUMN "phase".attempts.migration IS 'Id of the migration.';
COMMENT ON COLUMN "phase".attempts.direction IS 'up, down, or resolve for phase resolve.';
COMMENT ON COLUMN "phase".attempts.started_at IS 'When the attempt began.';
COMMENT ON COLUMN "phase".attempts.finished_at IS 'When it ended; null when its runner died.';
COMMENT ON COLUMN "phase".attempts.outcome IS 'done or failed; null when its runner died.';
COMMENT ON COLUMN "phase".attempts.error_code IS 'Code of the error, as docs/errors.md lists them.';
COMMENT ON COLUMN "phase".attempts.error IS 'Message of the error.';
COMMENT ON COLUMN "phase".attempts.run IS 'The run of phase, as in the application name of its connections.';

CREATE TABLE "phase".releases (
  release text PRIMARY KEY,
  migrated_at timestamptz,
  confirmed_at timestamptz
);
COMMENT ON TABLE "phase".releases IS 'How far the application''s releases have come.';
COMMENT ON COLUMN "phase".releases.release IS 'Version of the application.';
COMMENT ON COLUMN "phase".releases.migrated_at IS 'When phase migrate for it last succeeded.';
COMMENT ON COLUMN "phase".releases.confirmed_at IS 'When it was last said that only this release, or a later one, is alive.';

CREATE TABLE "phase".gates (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rename text NOT NULL,
  phase int NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  passed boolean NOT NULL,
  error_code text,
  result jsonb NOT NULL
);
COMMENT ON TABLE "phase".gates IS 'Result of each gate before phase 2 or 3 of a rename.';
COMMENT ON COLUMN "phase".gates.number IS 'The order of the checks.';
COMMENT ON COLUMN "phase".gates.rename IS 'Name of the rename.';
COMMENT ON COLUMN "phase".gates.phase IS 'The phase that the gate guards.';
COMMENT ON COLUMN "phase".gates.checked_at IS 'When it was checked.';
COMMENT ON COLUMN "phase".gates.passed IS 'Whether the phase may run.';
COMMENT ON COLUMN "phase".gates.error_code IS 'Code of the refusal.';
COMMENT ON COLUMN "phase".gates.result IS 'What was found.';

CREATE TABLE "phase".backfills (
  migration text NOT NULL,
  part text NOT NULL,
  table_oid oid NOT NULL,
  table_name text NOT NULL,
  filenode oid NOT NULL,
  next_page bigint NOT NULL,
  end_page bigint NOT NULL,
  batch_pages bigint NOT NULL,
  rows bigint NOT NULL DEFAULT 0,
  passes int NOT NULL DEFAULT 1,
  done boolean NOT NULL DEFAULT false,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (migration, part, table_oid)
);
COMMENT ON TABLE "phase".backfills IS 'Checkpoints of backfills; each commits with the batch that it stands for.';
COMMENT ON COLUMN "phase".backfills.migration IS 'Id of the migration.';
COMMENT ON COLUMN "phase".backfills.part IS 'Direction and number of the backfill within the migration.';
COMMENT ON COLUMN "phase".backfills.table_oid IS 'The table, or the partition, that is walked.';
COMMENT ON COLUMN "phase".backfills.table_name IS 'Its name when the walk began.';
COMMENT ON COLUMN "phase".backfills.filenode IS 'Its file; another one (CLUSTER, VACUUM FULL) begins the walk anew.';
COMMENT ON COLUMN "phase".backfills.next_page IS 'Pages below this one are done.';
COMMENT ON COLUMN "phase".backfills.end_page IS 'The walk ends before this page.';
COMMENT ON COLUMN "phase".backfills.batch_pages IS 'Pages in a batch, as last steered by its duration.';
COMMENT ON COLUMN "phase".backfills.rows IS 'Rows changed so far.';
COMMENT ON COLUMN "phase".backfills.passes IS 'Walks over the table so far.';
COMMENT ON COLUMN "phase".backfills.done IS 'Whether the last walk is complete and no row is left.';
COMMENT ON COLUMN "phase".backfills.started_at IS 'When the first walk began.';
COMMENT ON COLUMN "phase".backfills.updated_at IS 'When the last batch committed.';

CREATE TABLE "phase".mismatches (
  rename text PRIMARY KEY,
  counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  mismatches bigint NOT NULL
);
COMMENT ON TABLE "phase".mismatches IS 'The last count of rows whose two columns differ, for each rename.';
COMMENT ON COLUMN "phase".mismatches.rename IS 'Name of the rename.';
COMMENT ON COLUMN "phase".mismatches.counted_at IS 'When they were counted.';
COMMENT ON COLUMN "phase".mismatches.mismatches IS 'How many there were.';

ALTER TABLE "phase".ledger ADD COLUMN audit_key bytea NOT NULL
  DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
COMMENT ON COLUMN "phase".ledger.audit_key IS 'Key of the digests that stand for redacted values in audits.';

DROP TABLE "phase".backfills;
CREATE TABLE "phase".backfills (
  owner text NOT NULL,
  part text NOT NULL,
  table_oid oid NOT NULL,
  table_name text NOT NULL,
  filenode oid NOT NULL,
  walk text NOT NULL CHECK (walk IN ('pages', 'keys')),
  next_from text[],
  end_at text[],
  batch_size bigint NOT NULL,
  start_pages bigint NOT NULL,
  units bigint NOT NULL DEFAULT 0,
  total_units bigint NOT NULL,
  rows bigint NOT NULL DEFAULT 0,
  pass int NOT NULL DEFAULT 1,
  done boolean NOT NULL DEFAULT false,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (owner, part, table_oid)
);
COMMENT ON TABLE "phase".backfills IS 'Walks over tables, by backfills and by changes in batches.';
COMMENT ON COLUMN "phase".backfills.owner IS 'Id of the migration, or name and number of a task''s run.';
COMMENT ON COLUMN "phase".backfills.part IS 'Direction and number of the backfill within it.';
COMMENT ON COLUMN "phase".backfills.table_oid IS 'The table, or the partition, that is walked.';
COMMENT ON COLUMN "phase".backfills.table_name IS 'Its name when the walk began.';
COMMENT ON COLUMN "phase".backfills.filenode IS 'Its file; another one (CLUSTER, VACUUM FULL) begins the walk anew.';
COMMENT ON COLUMN "phase".backfills.walk IS 'pages: ranges of heap pages. keys: ranges of a unique key.';
COMMENT ON COLUMN "phase".backfills.next_from IS 'Where the next window begins: a page, or the key before it; null is the beginning.';
COMMENT ON COLUMN "phase".backfills.end_at IS 'Where the walk ends, fixed when it began; null when there was nothing.';
COMMENT ON COLUMN "phase".backfills.batch_size IS 'Size of a batch as last steered by its duration: pages, or rows.';
COMMENT ON COLUMN "phase".backfills.start_pages IS 'Size of the table in pages when the walk began: what its growth is measured by.';
COMMENT ON COLUMN "phase".backfills.units IS 'Pages read, once for each sweep, or rows.';
COMMENT ON COLUMN "phase".backfills.total_units IS 'How many there are, for keys as the statistics estimate it.';
COMMENT ON COLUMN "phase".backfills.rows IS 'Rows changed so far.';
COMMENT ON COLUMN "phase".backfills.pass IS 'Walks over the table so far.';
COMMENT ON COLUMN "phase".backfills.done IS 'Whether the walk is complete and no row is left.';
COMMENT ON COLUMN "phase".backfills.started_at IS 'When the first walk began.';
COMMENT ON COLUMN "phase".backfills.updated_at IS 'When the last batch committed.';

CREATE TABLE "phase".windows (
  owner text NOT NULL,
  part text NOT NULL,
  table_oid oid NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY,
  starts_from text[],
  ends_at text[] NOT NULL,
  next_from text[],
  sweep int NOT NULL DEFAULT 1,
  PRIMARY KEY (owner, part, table_oid, number),
  FOREIGN KEY (owner, part, table_oid) REFERENCES "phase".backfills ON DELETE CASCADE
);
COMMENT ON TABLE "phase".windows IS 'Windows that workers are in: checkpoints that commit with the batch they stand for.';
COMMENT ON COLUMN "phase".windows.owner IS 'As in backfills.';
COMMENT ON COLUMN "phase".windows.part IS 'As in backfills.';
COMMENT ON COLUMN "phase".windows.table_oid IS 'As in backfills.';
COMMENT ON COLUMN "phase".windows.number IS 'The order in which they were begun.';
COMMENT ON COLUMN "phase".windows.starts_from IS 'Where the window begins.';
COMMENT ON COLUMN "phase".windows.ends_at IS 'Where it ends.';
COMMENT ON COLUMN "phase".windows.next_from IS 'Where the next batch begins.';
COMMENT ON COLUMN "phase".windows.sweep IS 'How often the window has been gone through, and once more: each sweep changes a part of its rows.';

CREATE TABLE "phase".runs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('migration', 'task')),
  name text NOT NULL,
  run text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'paused', 'done', 'failed', 'cancelled')),
  request text CHECK (request IN ('pause', 'cancel')),
  settings jsonb NOT NULL DEFAULT '{}',
  in_force jsonb NOT NULL DEFAULT '{}',
  params jsonb NOT NULL DEFAULT '{}',
  progress jsonb,
  rows bigint NOT NULL DEFAULT 0,
  waiting_for text,
  error_code text,
  error text,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  who text NOT NULL DEFAULT session_user,
  host text NOT NULL,
  tool_version text NOT NULL
);
CREATE INDEX ON "phase".runs (name, number);
COMMENT ON TABLE "phase".runs IS 'Runs of tasks, and of migrations that work in batches; they can be paused, resumed, cancelled and steered.';
COMMENT ON COLUMN "phase".runs.number IS 'The run.';
COMMENT ON COLUMN "phase".runs.kind IS 'migration or task.';
COMMENT ON COLUMN "phase".runs.name IS 'Id of the migration, or name of the task.';
COMMENT ON COLUMN "phase".runs.run IS 'The run of phase that works on it, as in the application name of its connections.';
COMMENT ON COLUMN "phase".runs.state IS 'What became of it; one whose process is gone still says running.';
COMMENT ON COLUMN "phase".runs.request IS 'What it is asked to do; it obeys before its next batch.';
COMMENT ON COLUMN "phase".runs.settings IS 'Settings given for this run, which can be changed while it runs.';
COMMENT ON COLUMN "phase".runs.in_force IS 'The settings that it last worked by.';
COMMENT ON COLUMN "phase".runs.params IS 'Parameters of the task.';
COMMENT ON COLUMN "phase".runs.progress IS 'How far it was when it last said so.';
COMMENT ON COLUMN "phase".runs.rows IS 'Rows changed by it.';
COMMENT ON COLUMN "phase".runs.waiting_for IS 'Why it waits, null when it does not.';
COMMENT ON COLUMN "phase".runs.error_code IS 'Code of the error that ended it.';
COMMENT ON COLUMN "phase".runs.error IS 'Message of that error.';
COMMENT ON COLUMN "phase".runs.started_at IS 'When it began.';
COMMENT ON COLUMN "phase".runs.updated_at IS 'When it was last heard of.';
COMMENT ON COLUMN "phase".runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN "phase".runs.who IS 'Role of the database that ran it.';
COMMENT ON COLUMN "phase".runs.host IS 'Machine that ran it.';
COMMENT ON COLUMN "phase".runs.tool_version IS 'Version of triphase that ran it.';

CREATE TABLE "phase".audits (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner text NOT NULL,
  run text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('pre', 'change', 'post')),
  store text NOT NULL CHECK (store IN ('files', 'database')),
  file text NOT NULL UNIQUE,
  gzip boolean NOT NULL,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  columns jsonb NOT NULL,
  key text[] NOT NULL,
  redacted text[] NOT NULL,
  keys_rule text NOT NULL CHECK (keys_rule IN ('equal', 'any')),
  is_summary boolean NOT NULL,
  ticket text,
  host text NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON "phase".audits (owner, name, number);
COMMENT ON TABLE "phase".audits IS 'What data changes have written down; each row commits with its change. Never deleted.';
COMMENT ON COLUMN "phase".audits.number IS 'The order in which they were written.';
COMMENT ON COLUMN "phase".audits.owner IS 'Id of the migration, or name and number of a task''s run.';
COMMENT ON COLUMN "phase".audits.run IS 'The run of phase.';
COMMENT ON COLUMN "phase".audits.name IS 'Name of the change.';
COMMENT ON COLUMN "phase".audits.kind IS 'pre, change or post.';
COMMENT ON COLUMN "phase".audits.store IS 'files: under the project''s folder. database: in audit_chunks.';
COMMENT ON COLUMN "phase".audits.file IS 'Path relative to the project''s folder; in the database the name it is exported by.';
COMMENT ON COLUMN "phase".audits.gzip IS 'Whether the stored bytes are compressed.';
COMMENT ON COLUMN "phase".audits.rows IS 'Rows without the header.';
COMMENT ON COLUMN "phase".audits.bytes IS 'Size as stored.';
COMMENT ON COLUMN "phase".audits.sha256 IS 'SHA-256 of the bytes as stored, in hexadecimal.';
COMMENT ON COLUMN "phase".audits.columns IS 'Names and types of the columns, in order.';
COMMENT ON COLUMN "phase".audits.key IS 'Columns of the key; empty for a summary.';
COMMENT ON COLUMN "phase".audits.redacted IS 'Columns that hold digests instead of values.';
COMMENT ON COLUMN "phase".audits.keys_rule IS 'equal: pre, change and post have the same keys. any: that was lifted.';
COMMENT ON COLUMN "phase".audits.is_summary IS 'Whether it sums up, such as by a count, instead of listing rows.';
COMMENT ON COLUMN "phase".audits.ticket IS 'Ticket of the migration or task.';
COMMENT ON COLUMN "phase".audits.host IS 'Machine that wrote it.';
COMMENT ON COLUMN "phase".audits.written_at IS 'When it was written.';

CREATE TABLE "phase".audit_chunks (
  audit bigint NOT NULL REFERENCES "phase".audits ON DELETE CASCADE,
  number int NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (audit, number)
);
ALTER TABLE "phase".audit_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE "phase".audit_chunks IS 'The bytes of audits whose store is the database.';
COMMENT ON COLUMN "phase".audit_chunks.audit IS 'The audit.';
COMMENT ON COLUMN "phase".audit_chunks.number IS 'Order of the chunks, from 0.';
COMMENT ON COLUMN "phase".audit_chunks.bytes IS 'A part of the stored bytes.';

ALTER TABLE "phase".audits ADD COLUMN command text;
COMMENT ON COLUMN "phase".audits.command IS 'Of a change: the command that PostgreSQL says it was, such as UPDATE.';

ALTER TABLE "phase".migrations ADD COLUMN step text;
COMMENT ON COLUMN "phase".migrations.step IS 'Of a rename: expand, backfill, constrain, switch, contract or refresh.';
UPDATE "phase".migrations SET step = CASE WHEN rename IS NOT NULL THEN
  (regexp_match(id, '_phase_[123]_(expand|backfill|constrain|switch|contract|refresh)(_[0-9]+)?$'))[1] END;

CREATE TABLE "phase".pairs (
  rename text PRIMARY KEY,
  table_oid oid NOT NULL,
  old_number int NOT NULL,
  new_number int NOT NULL,
  phase int NOT NULL CHECK (phase IN (1, 2)),
  facts jsonb NOT NULL,
  ground jsonb NOT NULL,
  reviewed jsonb NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE "phase".pairs IS 'The two columns of each rename that is under way, as they were when the runner saw to them last.';
COMMENT ON COLUMN "phase".pairs.rename IS 'The rename.';
COMMENT ON COLUMN "phase".pairs.table_oid IS 'Its table, whatever it is called.';
COMMENT ON COLUMN "phase".pairs.old_number IS 'Number of the old column.';
COMMENT ON COLUMN "phase".pairs.new_number IS 'Number of the new column.';
COMMENT ON COLUMN "phase".pairs.phase IS 'Of the sync: 1, the old column has authority, or 2, the new one.';
COMMENT ON COLUMN "phase".pairs.facts IS 'Attributes of both columns: what was changed since is followed on the other one.';
COMMENT ON COLUMN "phase".pairs.ground IS 'What the functions of the sync are written for: type and default.';
COMMENT ON COLUMN "phase".pairs.reviewed IS 'MD5 of the bodies of functions that phase 2 has brought to a reviewed version, by signature.';
COMMENT ON COLUMN "phase".pairs.updated_at IS 'When that was.';

CREATE TABLE "phase".carried (
  number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  rename text NOT NULL,
  object jsonb NOT NULL
);
COMMENT ON TABLE "phase".carried IS 'What migrations have made on the old column since a rename was scaffolded, and what has a counterpart on the new one.';
COMMENT ON COLUMN "phase".carried.number IS 'In the order in which it came.';
COMMENT ON COLUMN "phase".carried.rename IS 'The rename.';
COMMENT ON COLUMN "phase".carried.object IS 'As in db/renames: kind, name, twin, on.';

CREATE TABLE "phase".acknowledgements (
  rename text NOT NULL,
  object text NOT NULL,
  why text NOT NULL,
  acknowledged_by text NOT NULL DEFAULT session_user,
  acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (rename, object)
);
COMMENT ON TABLE "phase".acknowledgements IS 'What a gate names and somebody has looked at: it does not hold a step up any more.';
COMMENT ON COLUMN "phase".acknowledgements.rename IS 'The rename.';
COMMENT ON COLUMN "phase".acknowledgements.object IS 'The object, as the gate calls it.';
COMMENT ON COLUMN "phase".acknowledgements.why IS 'The reason that was given.';
COMMENT ON COLUMN "phase".acknowledgements.acknowledged_by IS 'Role of the session.';
COMMENT ON COLUMN "phase".acknowledgements.acknowledged_at IS 'When.';

ALTER TABLE "phase".releases ADD COLUMN migrated_order bigint, ADD COLUMN confirmed_order bigint;
CREATE SEQUENCE "phase".release_order OWNED BY "phase".releases.migrated_order;
WITH recorded AS (
  SELECT release, kind, row_number() OVER (ORDER BY at, kind) AS place FROM (
    SELECT release, 'migrated' AS kind, migrated_at AS at FROM "phase".releases WHERE migrated_at IS NOT NULL
    UNION ALL SELECT release, 'confirmed', confirmed_at FROM "phase".releases WHERE confirmed_at IS NOT NULL) AS all_of_them)
UPDATE "phase".releases AS r SET
  migrated_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'migrated'),
  confirmed_order = (SELECT place FROM recorded WHERE recorded.release = r.release AND kind = 'confirmed');
SELECT pg_catalog.setval('"phase".release_order', coalesce((SELECT max(greatest(migrated_order, confirmed_order)) FROM "phase".releases), 0) + 1, false);
COMMENT ON COLUMN "phase".releases.migrated_order IS 'Place of migrated_at among all that was recorded of releases.';
ALTER TABLE "phase".migrations ADD COLUMN manifest_sum text;
COMMENT ON COLUMN "phase".migrations.manifest_sum IS 'Sum of the released manifest that it ran under; null while that was open.';
COMMENT ON COLUMN "phase".releases.confirmed_order IS 'Place of confirmed_at among all that was recorded of releases.';

ALTER TABLE "phase".audits ADD COLUMN along jsonb, ADD COLUMN beyond jsonb;
COMMENT ON COLUMN "phase".audits.along IS 'Of rows that foreign keys took along with a change: its name, and their table.';
COMMENT ON COLUMN "phase".audits.beyond IS 'Of a change: rows by table that it has written, by triggers say, and that are in no audit.';
ALTER TABLE "phase".ledger ADD COLUMN search_path text, ADD COLUMN target_schema text;
COMMENT ON COLUMN "phase".ledger.search_path IS 'Search path of the session that made it; set to NULL, the next run records its own.';
COMMENT ON COLUMN "phase".ledger.target_schema IS 'The schema that names without one led to by it.';
COMMENT ON COLUMN "phase".attempts.finished_at IS 'When it ended; null as long as nobody knows: the next run finds out.';
COMMENT ON COLUMN "phase".attempts.outcome IS 'done or failed; null as long as nobody knows.';

DO $revoke$
DECLARE
  given record;
  is_new boolean := NOT EXISTS (SELECT FROM "phase".ledger);
BEGIN
  FOR given IN
    SELECT DISTINCT 'SCHEMA' AS kind, n.oid::regnamespace::text AS name, a.grantee, 'CREATE' AS what
    FROM pg_catalog.pg_namespace n, LATERAL pg_catalog.aclexplode(n.nspacl) AS a
    WHERE n.oid = '"phase"'::regnamespace AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE'
      AND n.xmin = pg_catalog.pg_current_xact_id()::xid
    UNION ALL
    SELECT DISTINCT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, a.grantee, a.privilege_type
    FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE c.relnamespace = '"phase"'::regnamespace AND c.relkind IN ('r', 'S') AND a.grantee <> c.relowner
      AND (is_new OR a.privilege_type <> 'SELECT')
  LOOP
    EXECUTE pg_catalog.format('REVOKE %s ON %s %s FROM %s', given.what, given.kind, given.name,
      CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
  END LOOP;
END
$revoke$;

CREATE TABLE "phase".approvals (
  migration text NOT NULL,
  sha256 text NOT NULL,
  approved_by text NOT NULL,
  authors text[] NOT NULL,
  who text NOT NULL DEFAULT session_user,
  approved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (migration, sha256, approved_by)
);
COMMENT ON TABLE "phase".approvals IS 'Migrations that somebody besides their authors has approved. Never deleted.';
COMMENT ON COLUMN "phase".approvals.migration IS 'Id of the migration.';
COMMENT ON COLUMN "phase".approvals.sha256 IS 'Checksum of the file that was approved: another text is not.';
COMMENT ON COLUMN "phase".approvals.approved_by IS 'Who approved it, as git knows them.';
COMMENT ON COLUMN "phase".approvals.authors IS 'Who has written it, by git.';
COMMENT ON COLUMN "phase".approvals.who IS 'Role of the database that entered it.';
COMMENT ON COLUMN "phase".approvals.approved_at IS 'When.';
DO $revoke$
DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT DISTINCT a.grantee, a.privilege_type FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE c.oid = '"phase".approvals'::regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE %s ON TABLE "phase".approvals FROM %s', given.privilege_type,
      CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
  END LOOP;
END
$revoke$;

INSERT INTO "phase".ledger (format, served_before) VALUES (8, false);

INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20260901090000_create_bookshop', 'schema', '1.0.0', NULL, NULL, NULL, '218a61d1f690a0bb8d953b48e250254ec00373deeb4610a02aaaae5ed7e520dc', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20260901090100_fill_bookshop', 'data', '1.0.0', NULL, NULL, NULL, 'fdab83b8243eeecb9c44f54bf801c1f376fc97b5b8fa392e936fbe85e68a36c8', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261120101500_customers_email_to_email_address_phase_1_expand', 'schema', '1.1.0', 'customers_email_to_email_address', 1, 'expand', '124bc41ea3aa085d0677108c595dfe9a0654e93665381d6e7ddb94fd67a9bcfa', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261120101501_customers_email_to_email_address_phase_1_backfill', 'data', '1.1.0', 'customers_email_to_email_address', 1, 'backfill', '4bc8b1ca677d7208d2a26db55b20e003dae51cffbc55a1719154d84254829232', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261120101502_customers_email_to_email_address_phase_1_constrain', 'schema', '1.1.0', 'customers_email_to_email_address', 1, 'constrain', '2c91a80039ff7cd4c39095d176a03a9cd317de7e5c1a7fbfb6433f3dd1f13660', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261120101503_customers_email_to_email_address_phase_2_switch', 'schema', '1.2.0', 'customers_email_to_email_address', 2, 'switch', 'eba0d4ec532c13e83cbac4401669c315cf7db3c5eeba489b186b2b2f60ca9aed', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261120101504_customers_email_to_email_address_phase_3_contract', 'schema', '1.3.0', 'customers_email_to_email_address', 3, 'contract', 'a528d665d683ac93fd2db07b57b5771e965a3504b3ab41c3b7b42bc7d0e694c7', '<1.2.0', 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261123090000_add_sizes_and_cards', 'schema', '1.4.0', NULL, NULL, NULL, '922cd10436fdc82a9689e29ab976038e24970d80debd24c59e341e8751e6e75e', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261123090100_fill_sizes_and_cards', 'data', '1.4.0', NULL, NULL, NULL, '653371b315986e36a0c7b039a3016d2ed34be63b50cba172a81b5da7bf4ad2fb', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127090000_order_lines_quantity_to_bigint_phase_1_expand', 'schema', '1.5.0', 'order_lines_quantity_to_bigint', 1, 'expand', '2ae6d3877e7d6927a224215d5f9b5c07540bf1900aa5f0a636ffdc63b2a95501', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127090001_order_lines_quantity_to_bigint_phase_1_backfill', 'data', '1.5.0', 'order_lines_quantity_to_bigint', 1, 'backfill', '6d8751f347fcb984f79255dd754650092dcbac03342cc74179e7bda132b106a6', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127090002_order_lines_quantity_to_bigint_phase_1_constrain', 'schema', '1.5.0', 'order_lines_quantity_to_bigint', 1, 'constrain', '9dabb3ba116bc228cdec4333bc79e4c6c9554e9234a804a22a0461c9e6531eda', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127091000_books_title_to_main_title_subtitle_phase_1_expand', 'schema', '1.5.0', 'books_title_to_main_title_subtitle', 1, 'expand', '8297ea268bc93e43e4b6265c1ce0f931060966ef59a7e8e716049d82e97a304a', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127091001_books_title_to_main_title_subtitle_phase_1_backfill', 'data', '1.5.0', 'books_title_to_main_title_subtitle', 1, 'backfill', '14bb58db0d4f2ee6325b09218ac8f3835808c7786421e8abdeb2464dc0b12c38', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127091002_books_title_to_main_title_subtitle_phase_1_constrain', 'schema', '1.5.0', 'books_title_to_main_title_subtitle', 1, 'constrain', '5233c4a8bb2453bc29b16465ac646052026a4796a8a6ba08759d75799b989eb2', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127092000_books_width_mm_height_mm_to_size_phase_1_expand', 'schema', '1.5.0', 'books_width_mm_height_mm_to_size', 1, 'expand', '559e7881e6a9052d025a7277371cd94b2510b319fed2b6eba2ff69e4bb73ecda', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127092001_books_width_mm_height_mm_to_size_phase_1_backfill', 'data', '1.5.0', 'books_width_mm_height_mm_to_size', 1, 'backfill', '62a77e0cd9b7eb576bef50686948bcec08a033f4b708b34ad386870f12938798', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127092002_books_width_mm_height_mm_to_size_phase_1_constrain', 'schema', '1.5.0', 'books_width_mm_height_mm_to_size', 1, 'constrain', 'd7a946c65d70e3a04cf465a84fd1bf87c7f1c96f074b4d1695ac3ec4499fa384', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127093000_customers_visits_to_cards_visits_phase_1_expand', 'schema', '1.5.0', 'customers_visits_to_cards_visits', 1, 'expand', '384bbc5f8b162d8ba9a85556a3059c9eb6578f71b7f9092f9a2e23a2d68e818b', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127093001_customers_visits_to_cards_visits_phase_1_backfill', 'data', '1.5.0', 'customers_visits_to_cards_visits', 1, 'backfill', 'b0d825b9b9c669db050e941054e8f66bbf37163e80e05913addd13892137c3be', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127093002_customers_visits_to_cards_visits_phase_1_constrain', 'schema', '1.5.0', 'customers_visits_to_cards_visits', 1, 'constrain', '0ee7ea026598bbbe61eb93275d6a6d10d83431d0ae2fd227aec4246dfdfa9f2e', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127090003_order_lines_quantity_to_bigint_phase_2_switch', 'schema', '1.6.0', 'order_lines_quantity_to_bigint', 2, 'switch', 'e5ae30c3ed4a433477cb9d310c70ae6536ac6aac5763cf604207d54d4d32f081', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127091003_books_title_to_main_title_subtitle_phase_2_switch', 'schema', '1.6.0', 'books_title_to_main_title_subtitle', 2, 'switch', 'cd138eab9ce88d88ca9d40d69870ccad5ef141407f25b63ab44896b4c4ef2574', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127092003_books_width_mm_height_mm_to_size_phase_2_switch', 'schema', '1.6.0', 'books_width_mm_height_mm_to_size', 2, 'switch', '0b18ded21d1c8cd5ad54f69c77616f02fd68115692e1a86d100b79bfa76b9355', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127093003_customers_visits_to_cards_visits_phase_2_switch', 'schema', '1.6.0', 'customers_visits_to_cards_visits', 2, 'switch', '0ecea9e8b1e36ebcc52b6266048b071dbd7d9f5992cc6de9f9eb59dc0e168781', NULL, 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127090004_order_lines_quantity_to_bigint_phase_3_contract', 'schema', '1.7.0', 'order_lines_quantity_to_bigint', 3, 'contract', '8a66d81e175640256b16b4c2826028af547137787a30917d32cf6cc9685ffd87', '<1.6.0', 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127091004_books_title_to_main_title_subtitle_phase_3_contract', 'schema', '1.7.0', 'books_title_to_main_title_subtitle', 3, 'contract', '499293970db5fe921a01a023cf7af23b23af4f0bb7379b79d78b0dfe76601f68', '<1.6.0', 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127092004_books_width_mm_height_mm_to_size_phase_3_contract', 'schema', '1.7.0', 'books_width_mm_height_mm_to_size', 3, 'contract', 'c4f57764bac40ec94be869ce3bc48de69b2c5414cab566544e7b6db864250499', '<1.6.0', 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version) VALUES ('20261127093004_customers_visits_to_cards_visits_phase_3_contract', 'schema', '1.7.0', 'customers_visits_to_cards_visits', 3, 'contract', '42ef3fda404ac43059ab727850d4733b6074f7ae44c16a806b2a34c1beba2822', '<1.6.0', 'applied', now(), now(), 'structure.sql', '');
INSERT INTO "phase".releases (release, migrated_at, migrated_order) VALUES ('1.7.0', clock_timestamp(), nextval('"phase".release_order')) ON CONFLICT (release) DO UPDATE SET migrated_at = excluded.migrated_at, migrated_order = excluded.migrated_order;
