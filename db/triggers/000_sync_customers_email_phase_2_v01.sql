-- Rename customers_email_to_email_address, phase 2.
-- Updates that write neither column: a row that such a one moves must be in step, too. What it asks costs as little for
-- large values as for small ones, since they are not compared unless one of the sides is NULL or their sizes differ.
CREATE OR REPLACE TRIGGER "000_sync_customers_email_phase_2"
  BEFORE UPDATE ON "public"."customers"
  FOR EACH ROW
  WHEN ((NEW."email" IS NULL) <> (NEW."email_address" IS NULL) OR (abs(pg_catalog.pg_column_size(NEW."email") - pg_catalog.pg_column_size(NEW."email_address")) > 4 OR pg_catalog.pg_column_size(NEW."email") < 128) AND NEW."email" IS DISTINCT FROM NEW."email_address")
  EXECUTE FUNCTION "public"."sync_customers_email_phase_2"();
