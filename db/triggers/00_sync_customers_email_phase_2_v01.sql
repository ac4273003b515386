-- Rename customers_email_to_email_address, phase 2.
-- Inserts, and updates that write one of the columns. The condition keeps those that leave them in step at full speed.
CREATE OR REPLACE TRIGGER "00_sync_customers_email_phase_2"
  BEFORE INSERT OR UPDATE OF "email", "email_address" ON "public"."customers"
  FOR EACH ROW
  WHEN (NEW."email" IS DISTINCT FROM NEW."email_address")
  EXECUTE FUNCTION "public"."sync_customers_email_phase_2"();
