-- customers_visits_to_cards_visits, phase 2: what "public"."customers" holds in "visits", the row of "public"."cards" that belongs to it holds in "visits".
-- "public"."cards" has authority: where both were written, it wins. Writes to "public"."customers" that change it are counted as stragglers.
CREATE OR REPLACE FUNCTION "public"."sync_customers_visits_phase_2"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- Two writers of one value each hold a row and wait for the other one's: the side whose wait is shorter notes the key and goes on, and what the other one writes stands on both.
  SET lock_timeout = '60ms'
AS $triphase$
DECLARE
  outer_depth text := coalesce(current_setting('triphase.m_5ff30e8d', true), '');
  is_given boolean;
  -- Whether the row is to hold what those hold that it belongs to now.
  is_taking boolean;
  found_value integer;
  is_found boolean;
  is_written boolean := false;
  held int;
  waited int := coalesce(nullif(current_setting('triphase.waited', true), ''), '0')::int;
BEGIN
  IF outer_depth = (pg_trigger_depth() - 1)::text THEN
    -- Written by what keeps both in step.
    RETURN NEW;
  END IF;
  IF waited >= 3 THEN
    -- A statement of many rows does not wait for each of them.
    PERFORM set_config('lock_timeout', '1ms', true);
  END IF;
  IF TG_OP = 'INSERT' THEN
    is_given := NEW."visits" IS DISTINCT FROM CAST(0 AS integer);
  ELSE
    is_given := NEW."visits" IS DISTINCT FROM OLD."visits";
    IF NOT is_given AND NOT (NEW."id" IS DISTINCT FROM OLD."id") THEN
      RETURN NEW;
    END IF;
  END IF;

  IF TG_WHEN = 'BEFORE' THEN
    IF is_given OR NEW."id" IS NULL THEN
      RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM "public"."customers" AS s WHERE s."id" = NEW."id") THEN
      -- It becomes an update of that row, or an error: what it gives is to stay what the statement says.
      RETURN NEW;
    END IF;
    -- A row that comes without a value of its own takes what is there.
    BEGIN
      SELECT t."visits", true INTO found_value, is_found FROM "public"."cards" AS t WHERE t."customer_id" = NEW."id" FOR NO KEY UPDATE;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM set_config('triphase.waited', (waited + 1)::text, true);
      is_found := NULL;
      PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."id");
    END;
    IF is_found THEN
      NEW."visits" := found_value;
    END IF;
    RETURN NEW;
  END IF;

  IF NEW."id" IS NULL THEN
    -- It belongs to no row.
    RETURN NEW;
  END IF;
  is_taking := NOT is_given;
  -- Whoever writes the other row at this moment comes to this one next, and writes it, too: no need to wait. A transaction asks for its first 32 rows only, so that bulk
  -- loads do not fill the lock table.
  held := coalesce(nullif(current_setting('triphase.moved', true), ''), '0')::int;
  IF held < 32 THEN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('customers_visits_to_cards_visits' || ROW(NEW."id")::text, 0)) THEN
      IF is_taking THEN
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."id");
      ELSE
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."id");
      END IF;
      IF is_given THEN
        PERFORM "phase"."stragglers_customers_visits_to_cards_visits"();
      END IF;
      RETURN NEW;
    END IF;
    PERFORM set_config('triphase.moved', (held + 1)::text, true);
  END IF;
  BEGIN
    PERFORM set_config('triphase.m_5ff30e8d', pg_trigger_depth()::text, true);
    IF is_taking THEN
      -- It may have come since, or by the same statement: what it holds stands.
      SELECT t."visits", true INTO found_value, is_found FROM "public"."cards" AS t WHERE t."customer_id" = NEW."id" FOR NO KEY UPDATE;
      IF is_found THEN
        UPDATE "public"."customers" AS s SET "visits" = found_value WHERE s."id" = NEW."id" AND s."visits" IS DISTINCT FROM found_value;
      END IF;
    ELSE
      UPDATE "public"."cards" AS t SET "visits" = NEW."visits" WHERE t."customer_id" = NEW."id" AND t."visits" IS DISTINCT FROM NEW."visits" AND EXISTS (SELECT FROM "public"."customers" AS o WHERE o."id" = NEW."id" AND NOT (o."visits" IS DISTINCT FROM NEW."visits")) RETURNING t."visits" INTO found_value;
      is_written := FOUND;
      is_found := is_written OR EXISTS (SELECT FROM "public"."cards" AS t WHERE t."customer_id" = NEW."id");
      IF NOT is_written THEN
        found_value := NEW."visits";
      END IF;
      IF found_value IS DISTINCT FROM NEW."visits" THEN
        -- A trigger of the other table has made something else of it.
        UPDATE "public"."customers" AS s SET "visits" = found_value WHERE s."id" = NEW."id" AND s."visits" IS DISTINCT FROM found_value;
      END IF;
    END IF;
    IF is_found IS NOT TRUE AND NEW."visits" IS DISTINCT FROM NULL THEN
      INSERT INTO "public"."cards" ("customer_id", "visits") VALUES (NEW."id", NEW."visits") ON CONFLICT DO NOTHING;
      IF NOT FOUND THEN
        -- Somebody has made it at the same moment.
        UPDATE "public"."cards" AS t SET "visits" = NEW."visits" WHERE t."customer_id" = NEW."id" AND t."visits" IS DISTINCT FROM NEW."visits";
      END IF;
      is_written := is_given;
      is_found := true;
    END IF;
    IF held >= 32 AND TG_OP = 'INSERT' AND is_found IS NOT TRUE THEN
      -- It may be on its way, where nobody sees it yet.
      IF is_taking THEN
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."id");
      ELSE
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."id");
      END IF;
    END IF;
    PERFORM set_config('triphase.m_5ff30e8d', outer_depth, true);
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM set_config('triphase.waited', (waited + 1)::text, true);
    -- Nobody knows whether it changes what the other row holds.
    is_written := is_given;
    IF is_taking THEN
      PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."id");
    ELSE
      PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."id");
    END IF;
  END;
  IF is_written THEN
    PERFORM "phase"."stragglers_customers_visits_to_cards_visits"();
  END IF;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_customers_visits_phase_2"() FROM PUBLIC;
