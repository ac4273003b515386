-- customers_visits_to_cards_visits, phase 1: what "public"."cards" holds in "visits", the row of "public"."customers" that belongs to it holds in "visits".
-- "public"."customers" has authority: where both were written, it wins.
CREATE OR REPLACE FUNCTION "public"."sync_cards_visits_phase_1"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- Longer than that of the other table's function: see there.
  SET lock_timeout = '300ms'
AS $triphase$
DECLARE
  outer_depth text := coalesce(current_setting('triphase.m_5ff30e8d', true), '');
  is_given boolean;
  found_value integer;
  is_found boolean;
  held int;
  waited int := coalesce(nullif(current_setting('triphase.waited', true), ''), '0')::int;
BEGIN
  IF outer_depth = (pg_trigger_depth() - 1)::text THEN
    -- Written by what keeps both in step.
    RETURN coalesce(NEW, OLD);
  END IF;
  IF waited >= 3 THEN
    -- A statement of many rows does not wait for each of them.
    PERFORM set_config('lock_timeout', '1ms', true);
  END IF;
  IF TG_OP = 'INSERT' THEN
    is_given := NEW."visits" IS DISTINCT FROM CAST(0 AS integer);
  ELSE
    is_given := NEW."visits" IS DISTINCT FROM OLD."visits";
    IF NOT is_given AND NOT (NEW."customer_id" IS DISTINCT FROM OLD."customer_id") THEN
      RETURN NEW;
    END IF;
  END IF;

  IF TG_WHEN = 'BEFORE' THEN
    IF TG_OP = 'UPDATE' AND is_given OR NEW."customer_id" IS NULL THEN
      RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM "public"."cards" AS t WHERE t."customer_id" = NEW."customer_id") THEN
      -- It becomes an update of that row, or an error: what it gives is to stay what the statement says.
      RETURN NEW;
    END IF;
    -- A row that appears later takes what the one that it belongs to holds.
    BEGIN
      PERFORM FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id" FOR NO KEY UPDATE;
      SELECT s."visits", true INTO found_value, is_found FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id" LIMIT 1;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM set_config('triphase.waited', (waited + 1)::text, true);
      IF is_given THEN
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('either', NEW."customer_id");
      ELSE
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."customer_id");
      END IF;
      RETURN NEW;
    END;
    IF is_found AND (NOT is_given OR found_value IS DISTINCT FROM CAST(0 AS integer)) THEN
      NEW."visits" := found_value;
    END IF;
    RETURN NEW;
  END IF;

  IF NEW."customer_id" IS NULL THEN
    RETURN NEW;
  END IF;
  held := coalesce(nullif(current_setting('triphase.moved', true), ''), '0')::int;
  IF held < 32 THEN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('customers_visits_to_cards_visits' || ROW(NEW."customer_id")::text, 0)) THEN
      IF TG_OP = 'INSERT' AND NOT is_given THEN
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."customer_id");
      ELSE
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."customer_id");
      END IF;
      RETURN NEW;
    END IF;
    PERFORM set_config('triphase.moved', (held + 1)::text, true);
  END IF;
  BEGIN
    PERFORM set_config('triphase.m_5ff30e8d', pg_trigger_depth()::text, true);
    IF TG_OP = 'INSERT' AND NOT is_given THEN
      -- It may have come since: what it holds stands.
      PERFORM FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id" FOR NO KEY UPDATE;
      SELECT s."visits", true INTO found_value, is_found FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id" LIMIT 1;
      IF is_found THEN
        UPDATE "public"."cards" AS t SET "visits" = found_value WHERE t."customer_id" = NEW."customer_id" AND t."visits" IS DISTINCT FROM found_value;
      END IF;
    ELSE
      UPDATE "public"."customers" AS s SET "visits" = NEW."visits" WHERE s."id" = NEW."customer_id" AND s."visits" IS DISTINCT FROM NEW."visits" AND EXISTS (SELECT FROM "public"."cards" AS o WHERE o."customer_id" = NEW."customer_id" AND NOT (o."visits" IS DISTINCT FROM NEW."visits"));
      IF FOUND THEN
        is_found := true;
        SELECT s."visits" INTO found_value FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id" LIMIT 1;
        IF found_value IS DISTINCT FROM NEW."visits" THEN
          -- A trigger of the other table has made something else of it.
          UPDATE "public"."cards" AS t SET "visits" = found_value WHERE t."customer_id" = NEW."customer_id" AND t."visits" IS DISTINCT FROM found_value;
        END IF;
      ELSE
        is_found := EXISTS (SELECT FROM "public"."customers" AS s WHERE s."id" = NEW."customer_id");
      END IF;
    END IF;
    IF held >= 32 AND TG_OP = 'INSERT' AND is_found IS NOT TRUE THEN
      -- It may be on its way, where nobody sees it yet.
      IF is_given THEN
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."customer_id");
      ELSE
        PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."customer_id");
      END IF;
    END IF;
    PERFORM set_config('triphase.m_5ff30e8d', outer_depth, true);
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM set_config('triphase.waited', (waited + 1)::text, true);
    IF TG_OP = 'INSERT' AND NOT is_given THEN
      PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('source', NEW."customer_id");
    ELSE
      PERFORM "phase"."unsettled_customers_visits_to_cards_visits"('target', NEW."customer_id");
    END IF;
  END;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_cards_visits_phase_1"() FROM PUBLIC;
