/** Migrations, attempts, releases, gates, checkpoints, mismatches. */
export const toFormat1 = (ledger: string): string => `
CREATE SCHEMA IF NOT EXISTS ${ledger};
COMMENT ON SCHEMA ${ledger} IS 'Ledger of triphase: what was migrated in this database. Not part of the application.';

CREATE TABLE ${ledger}.ledger (
  format int NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  served_before boolean NOT NULL,
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
COMMENT ON TABLE ${ledger}.ledger IS 'One row: the ledger itself.';
COMMENT ON COLUMN ${ledger}.ledger.format IS 'Which format the tables of this schema have.';
COMMENT ON COLUMN ${ledger}.ledger.created_at IS 'When phase first migrated this database.';
COMMENT ON COLUMN ${ledger}.ledger.served_before IS 'Whether the database had tables then, so that something older than every manifest may be running on it.';
COMMENT ON COLUMN ${ledger}.ledger.only_row IS 'Keeps this table at one row.';

CREATE TABLE ${ledger}.migrations (
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
COMMENT ON TABLE ${ledger}.migrations IS 'What is applied in this database now; a row of a transactional migration commits with it.';
COMMENT ON COLUMN ${ledger}.migrations.id IS 'Name of the migration''s file without its extension.';
COMMENT ON COLUMN ${ledger}.migrations.kind IS 'schema or data.';
COMMENT ON COLUMN ${ledger}.migrations.release IS 'Lowest release whose manifest lists it.';
COMMENT ON COLUMN ${ledger}.migrations.rename IS 'Rename that it is a step of.';
COMMENT ON COLUMN ${ledger}.migrations.phase IS 'Phase of that rename.';
COMMENT ON COLUMN ${ledger}.migrations.sha256 IS 'Checksum of the file that ran.';
COMMENT ON COLUMN ${ledger}.migrations.breaks IS 'Range of application releases that cannot live since it ran.';
COMMENT ON COLUMN ${ledger}.migrations.state IS 'started: it runs outside a transaction and has not finished. applied: it has.';
COMMENT ON COLUMN ${ledger}.migrations.started_at IS 'When it began.';
COMMENT ON COLUMN ${ledger}.migrations.finished_at IS 'When it was complete.';
COMMENT ON COLUMN ${ledger}.migrations.duration_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN ${ledger}.migrations.applied_order IS 'The order in which they began.';
COMMENT ON COLUMN ${ledger}.migrations.who IS 'Role of the database that ran it.';
COMMENT ON COLUMN ${ledger}.migrations.host IS 'Machine that ran it.';
COMMENT ON COLUMN ${ledger}.migrations.tool_version IS 'Version of triphase that ran it.';

CREATE TABLE ${ledger}.attempts (
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
COMMENT ON TABLE ${ledger}.attempts IS 'History: every time that a migration was tried, undone or resolved by hand. Never deleted.';
COMMENT ON COLUMN ${ledger}.attempts.number IS 'The order of the attempts.';
COMMENT ON COLUMN ${ledger}.attempts.migration IS 'Id of the migration.';
COMMENT ON COLUMN ${ledger}.attempts.direction IS 'up, down, or resolve for phase resolve.';
COMMENT ON COLUMN ${ledger}.attempts.started_at IS 'When the attempt began.';
COMMENT ON COLUMN ${ledger}.attempts.finished_at IS 'When it ended; null when its runner died.';
COMMENT ON COLUMN ${ledger}.attempts.outcome IS 'done or failed; null when its runner died.';
COMMENT ON COLUMN ${ledger}.attempts.error_code IS 'Code of the error, as docs/errors.md lists them.';
COMMENT ON COLUMN ${ledger}.attempts.error IS 'Message of the error.';
COMMENT ON COLUMN ${ledger}.attempts.run IS 'The run of phase, as in the application name of its connections.';

CREATE TABLE ${ledger}.releases (
  release text PRIMARY KEY,
  migrated_at timestamptz,
  confirmed_at timestamptz
);
COMMENT ON TABLE ${ledger}.releases IS 'How far the application''s releases have come.';
COMMENT ON COLUMN ${ledger}.releases.release IS 'Version of the application.';
COMMENT ON COLUMN ${ledger}.releases.migrated_at IS 'When phase migrate for it last succeeded.';
COMMENT ON COLUMN ${ledger}.releases.confirmed_at IS 'When it was last said that only this release, or a later one, is alive.';

CREATE TABLE ${ledger}.gates (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rename text NOT NULL,
  phase int NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  passed boolean NOT NULL,
  error_code text,
  result jsonb NOT NULL
);
COMMENT ON TABLE ${ledger}.gates IS 'Result of each gate before phase 2 or 3 of a rename.';
COMMENT ON COLUMN ${ledger}.gates.number IS 'The order of the checks.';
COMMENT ON COLUMN ${ledger}.gates.rename IS 'Name of the rename.';
COMMENT ON COLUMN ${ledger}.gates.phase IS 'The phase that the gate guards.';
COMMENT ON COLUMN ${ledger}.gates.checked_at IS 'When it was checked.';
COMMENT ON COLUMN ${ledger}.gates.passed IS 'Whether the phase may run.';
COMMENT ON COLUMN ${ledger}.gates.error_code IS 'Code of the refusal.';
COMMENT ON COLUMN ${ledger}.gates.result IS 'What was found.';

CREATE TABLE ${ledger}.backfills (
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
COMMENT ON TABLE ${ledger}.backfills IS 'Checkpoints of backfills; each commits with the batch that it stands for.';
COMMENT ON COLUMN ${ledger}.backfills.migration IS 'Id of the migration.';
COMMENT ON COLUMN ${ledger}.backfills.part IS 'Direction and number of the backfill within the migration.';
COMMENT ON COLUMN ${ledger}.backfills.table_oid IS 'The table, or the partition, that is walked.';
COMMENT ON COLUMN ${ledger}.backfills.table_name IS 'Its name when the walk began.';
COMMENT ON COLUMN ${ledger}.backfills.filenode IS 'Its file; another one (CLUSTER, VACUUM FULL) begins the walk anew.';
COMMENT ON COLUMN ${ledger}.backfills.next_page IS 'Pages below this one are done.';
COMMENT ON COLUMN ${ledger}.backfills.end_page IS 'The walk ends before this page.';
COMMENT ON COLUMN ${ledger}.backfills.batch_pages IS 'Pages in a batch, as last steered by its duration.';
COMMENT ON COLUMN ${ledger}.backfills.rows IS 'Rows changed so far.';
COMMENT ON COLUMN ${ledger}.backfills.passes IS 'Walks over the table so far.';
COMMENT ON COLUMN ${ledger}.backfills.done IS 'Whether the last walk is complete and no row is left.';
COMMENT ON COLUMN ${ledger}.backfills.started_at IS 'When the first walk began.';
COMMENT ON COLUMN ${ledger}.backfills.updated_at IS 'When the last batch committed.';

CREATE TABLE ${ledger}.mismatches (
  rename text PRIMARY KEY,
  counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  mismatches bigint NOT NULL
);
COMMENT ON TABLE ${ledger}.mismatches IS 'The last count of rows whose two columns differ, for each rename.';
COMMENT ON COLUMN ${ledger}.mismatches.rename IS 'Name of the rename.';
COMMENT ON COLUMN ${ledger}.mismatches.counted_at IS 'When they were counted.';
COMMENT ON COLUMN ${ledger}.mismatches.mismatches IS 'How many there were.';
`;
