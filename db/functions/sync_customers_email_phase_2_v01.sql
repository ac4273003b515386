-- Rename customers_email_to_email_address, phase 2: keeps the two columns in step, whichever of them a release writes.
-- The new column has authority: where both were changed, it wins. Writes to the old one alone are counted as stragglers.
CREATE OR REPLACE FUNCTION "public"."sync_customers_email_phase_2"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $triphase$
#variable_conflict use_column
DECLARE
  guarded int;
  guard bigint;
  patience text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW."email_address" IS NULL THEN
      NEW."email_address" := NEW."email";
      PERFORM "phase"."stragglers_customers_email_to_email_address"();
    ELSE
      NEW."email" := NEW."email_address";
    END IF;
  ELSE
    -- Compared with the row before, so that a release which writes every column is understood.
    IF NEW."email_address" IS DISTINCT FROM OLD."email_address" THEN
      NEW."email" := NEW."email_address";
    ELSIF NEW."email" IS DISTINCT FROM OLD."email" THEN
      NEW."email_address" := NEW."email";
      PERFORM "phase"."stragglers_customers_email_to_email_address"();
    ELSIF NEW."email_address" IS NULL THEN
      -- A row that came in unsynced, such as with an attached partition.
      NEW."email_address" := NEW."email";
    ELSE
      NEW."email" := NEW."email_address";
    END IF;
  END IF;

  -- Both columns are unique. INSERT ... ON CONFLICT looks for conflicts on one of them only, so two sessions that insert
  -- the same key at the same moment would fail on the other. They come one after the other instead. The wait is short
  -- and never an error; a transaction guards its first 32 rows only, so that bulk loads do not fill the lock table.
  IF TG_OP = 'INSERT' THEN
    guarded := coalesce(nullif(current_setting('triphase.guarded', true), ''), '0')::int;
    IF guarded < 32 THEN
      guard := (SELECT pg_catalog.hash_record_extended(ROW(email), 2529849977) FROM (SELECT NEW.*) AS written WHERE (email) IS NOT NULL);
      IF guard IS NOT NULL THEN
        guarded := guarded + 1;
        IF NOT pg_try_advisory_xact_lock(guard) THEN
          BEGIN
            patience := current_setting('lock_timeout');
            PERFORM set_config('lock_timeout', '100ms', true);
            PERFORM pg_advisory_xact_lock(guard);
            PERFORM set_config('lock_timeout', patience, true);
          EXCEPTION WHEN lock_not_available THEN
            -- One wait a transaction: after it, its other rows go on unguarded.
            guarded := 32;
          END;
        END IF;
      END IF;
      PERFORM set_config('triphase.guarded', guarded::text, true);
    END IF;
  END IF;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_customers_email_phase_2"() FROM PUBLIC;
