-- Rename customers_email_to_email_address, phase 1.
-- No column list: an application trigger may change the column without naming it, and a row that any other UPDATE moves
-- must be in step, too. The condition keeps all other writes at full speed.
CREATE OR REPLACE TRIGGER "00_sync_customers_email_phase_1"
  BEFORE INSERT OR UPDATE ON "public"."customers"
  FOR EACH ROW
  WHEN (NEW."email" IS DISTINCT FROM NEW."email_address")
  EXECUTE FUNCTION "public"."sync_customers_email_phase_1"();
