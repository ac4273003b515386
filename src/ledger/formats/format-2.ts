/**
 * Walks in windows, runs that can be steered, audits. Checkpoints of format 1 are forgotten: an interrupted backfill
 * walks again and passes over the rows that have their value.
 */
export const toFormat2 = (ledger: string): string => `
ALTER TABLE ${ledger}.ledger ADD COLUMN audit_key bytea NOT NULL
  DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
COMMENT ON COLUMN ${ledger}.ledger.audit_key IS 'Key of the digests that stand for redacted values in audits.';

DROP TABLE ${ledger}.backfills;
CREATE TABLE ${ledger}.backfills (
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
COMMENT ON TABLE ${ledger}.backfills IS 'Walks over tables, by backfills and by changes in batches.';
COMMENT ON COLUMN ${ledger}.backfills.owner IS 'Id of the migration, or name and number of a task''s run.';
COMMENT ON COLUMN ${ledger}.backfills.part IS 'Direction and number of the backfill within it.';
COMMENT ON COLUMN ${ledger}.backfills.table_oid IS 'The table, or the partition, that is walked.';
COMMENT ON COLUMN ${ledger}.backfills.table_name IS 'Its name when the walk began.';
COMMENT ON COLUMN ${ledger}.backfills.filenode IS 'Its file; another one (CLUSTER, VACUUM FULL) begins the walk anew.';
COMMENT ON COLUMN ${ledger}.backfills.walk IS 'pages: ranges of heap pages. keys: ranges of a unique key.';
COMMENT ON COLUMN ${ledger}.backfills.next_from IS 'Where the next window begins: a page, or the key before it; null is the beginning.';
COMMENT ON COLUMN ${ledger}.backfills.end_at IS 'Where the walk ends, fixed when it began; null when there was nothing.';
COMMENT ON COLUMN ${ledger}.backfills.batch_size IS 'Size of a batch as last steered by its duration: pages, or rows.';
COMMENT ON COLUMN ${ledger}.backfills.start_pages IS 'Size of the table in pages when the walk began: what its growth is measured by.';
COMMENT ON COLUMN ${ledger}.backfills.units IS 'Pages read, once for each sweep, or rows.';
COMMENT ON COLUMN ${ledger}.backfills.total_units IS 'How many there are, for keys as the statistics estimate it.';
COMMENT ON COLUMN ${ledger}.backfills.rows IS 'Rows changed so far.';
COMMENT ON COLUMN ${ledger}.backfills.pass IS 'Walks over the table so far.';
COMMENT ON COLUMN ${ledger}.backfills.done IS 'Whether the walk is complete and no row is left.';
COMMENT ON COLUMN ${ledger}.backfills.started_at IS 'When the first walk began.';
COMMENT ON COLUMN ${ledger}.backfills.updated_at IS 'When the last batch committed.';

CREATE TABLE ${ledger}.windows (
  owner text NOT NULL,
  part text NOT NULL,
  table_oid oid NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY,
  starts_from text[],
  ends_at text[] NOT NULL,
  next_from text[],
  sweep int NOT NULL DEFAULT 1,
  PRIMARY KEY (owner, part, table_oid, number),
  FOREIGN KEY (owner, part, table_oid) REFERENCES ${ledger}.backfills ON DELETE CASCADE
);
COMMENT ON TABLE ${ledger}.windows IS 'Windows that workers are in: checkpoints that commit with the batch they stand for.';
COMMENT ON COLUMN ${ledger}.windows.owner IS 'As in backfills.';
COMMENT ON COLUMN ${ledger}.windows.part IS 'As in backfills.';
COMMENT ON COLUMN ${ledger}.windows.table_oid IS 'As in backfills.';
COMMENT ON COLUMN ${ledger}.windows.number IS 'The order in which they were begun.';
COMMENT ON COLUMN ${ledger}.windows.starts_from IS 'Where the window begins.';
COMMENT ON COLUMN ${ledger}.windows.ends_at IS 'Where it ends.';
COMMENT ON COLUMN ${ledger}.windows.next_from IS 'Where the next batch begins.';
COMMENT ON COLUMN ${ledger}.windows.sweep IS 'How often the window has been gone through, and once more: each sweep changes a part of its rows.';

CREATE TABLE ${ledger}.runs (
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
CREATE INDEX ON ${ledger}.runs (name, number);
COMMENT ON TABLE ${ledger}.runs IS 'Runs of tasks, and of migrations that work in batches; they can be paused, resumed, cancelled and steered.';
COMMENT ON COLUMN ${ledger}.runs.number IS 'The run.';
COMMENT ON COLUMN ${ledger}.runs.kind IS 'migration or task.';
COMMENT ON COLUMN ${ledger}.runs.name IS 'Id of the migration, or name of the task.';
COMMENT ON COLUMN ${ledger}.runs.run IS 'The run of phase that works on it, as in the application name of its connections.';
COMMENT ON COLUMN ${ledger}.runs.state IS 'What became of it; one whose process is gone still says running.';
COMMENT ON COLUMN ${ledger}.runs.request IS 'What it is asked to do; it obeys before its next batch.';
COMMENT ON COLUMN ${ledger}.runs.settings IS 'Settings given for this run, which can be changed while it runs.';
COMMENT ON COLUMN ${ledger}.runs.in_force IS 'The settings that it last worked by.';
COMMENT ON COLUMN ${ledger}.runs.params IS 'Parameters of the task.';
COMMENT ON COLUMN ${ledger}.runs.progress IS 'How far it was when it last said so.';
COMMENT ON COLUMN ${ledger}.runs.rows IS 'Rows changed by it.';
COMMENT ON COLUMN ${ledger}.runs.waiting_for IS 'Why it waits, null when it does not.';
COMMENT ON COLUMN ${ledger}.runs.error_code IS 'Code of the error that ended it.';
COMMENT ON COLUMN ${ledger}.runs.error IS 'Message of that error.';
COMMENT ON COLUMN ${ledger}.runs.started_at IS 'When it began.';
COMMENT ON COLUMN ${ledger}.runs.updated_at IS 'When it was last heard of.';
COMMENT ON COLUMN ${ledger}.runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN ${ledger}.runs.who IS 'Role of the database that ran it.';
COMMENT ON COLUMN ${ledger}.runs.host IS 'Machine that ran it.';
COMMENT ON COLUMN ${ledger}.runs.tool_version IS 'Version of triphase that ran it.';

CREATE TABLE ${ledger}.audits (
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
CREATE INDEX ON ${ledger}.audits (owner, name, number);
COMMENT ON TABLE ${ledger}.audits IS 'What data changes have written down; each row commits with its change. Never deleted.';
COMMENT ON COLUMN ${ledger}.audits.number IS 'The order in which they were written.';
COMMENT ON COLUMN ${ledger}.audits.owner IS 'Id of the migration, or name and number of a task''s run.';
COMMENT ON COLUMN ${ledger}.audits.run IS 'The run of phase.';
COMMENT ON COLUMN ${ledger}.audits.name IS 'Name of the change.';
COMMENT ON COLUMN ${ledger}.audits.kind IS 'pre, change or post.';
COMMENT ON COLUMN ${ledger}.audits.store IS 'files: under the project''s folder. database: in audit_chunks.';
COMMENT ON COLUMN ${ledger}.audits.file IS 'Path relative to the project''s folder; in the database the name it is exported by.';
COMMENT ON COLUMN ${ledger}.audits.gzip IS 'Whether the stored bytes are compressed.';
COMMENT ON COLUMN ${ledger}.audits.rows IS 'Rows without the header.';
COMMENT ON COLUMN ${ledger}.audits.bytes IS 'Size as stored.';
COMMENT ON COLUMN ${ledger}.audits.sha256 IS 'SHA-256 of the bytes as stored, in hexadecimal.';
COMMENT ON COLUMN ${ledger}.audits.columns IS 'Names and types of the columns, in order.';
COMMENT ON COLUMN ${ledger}.audits.key IS 'Columns of the key; empty for a summary.';
COMMENT ON COLUMN ${ledger}.audits.redacted IS 'Columns that hold digests instead of values.';
COMMENT ON COLUMN ${ledger}.audits.keys_rule IS 'equal: pre, change and post have the same keys. any: that was lifted.';
COMMENT ON COLUMN ${ledger}.audits.is_summary IS 'Whether it sums up, such as by a count, instead of listing rows.';
COMMENT ON COLUMN ${ledger}.audits.ticket IS 'Ticket of the migration or task.';
COMMENT ON COLUMN ${ledger}.audits.host IS 'Machine that wrote it.';
COMMENT ON COLUMN ${ledger}.audits.written_at IS 'When it was written.';

CREATE TABLE ${ledger}.audit_chunks (
  audit bigint NOT NULL REFERENCES ${ledger}.audits ON DELETE CASCADE,
  number int NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (audit, number)
);
ALTER TABLE ${ledger}.audit_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE ${ledger}.audit_chunks IS 'The bytes of audits whose store is the database.';
COMMENT ON COLUMN ${ledger}.audit_chunks.audit IS 'The audit.';
COMMENT ON COLUMN ${ledger}.audit_chunks.number IS 'Order of the chunks, from 0.';
COMMENT ON COLUMN ${ledger}.audit_chunks.bytes IS 'A part of the stored bytes.';
`;
