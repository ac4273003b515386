-- Rename customers_email_to_email_address, phase 1.
-- Updates that write neither column: a row that such a one moves must be in step, too. What it asks costs as little for
-- large values as for small ones: of a large one only whether the other side is NULL.
CREATE OR REPLACE TRIGGER "000_sync_customers_email_phase_1"
  BEFORE UPDATE ON "public"."customers"
  FOR EACH ROW
  WHEN (CASE WHEN pg_catalog.pg_column_size(NEW."email") >= 512 THEN NEW."email_address" IS NULL ELSE NEW."email" IS DISTINCT FROM NEW."email_address" END)
  EXECUTE FUNCTION "public"."sync_customers_email_phase_1"();
