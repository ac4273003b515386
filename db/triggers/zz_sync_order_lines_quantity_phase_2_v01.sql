-- Change order_lines_quantity_to_bigint, phase 2.
-- It sorts after the application's own triggers, and takes what they have made of the row.
CREATE OR REPLACE TRIGGER "zz_sync_order_lines_quantity_phase_2"
  BEFORE INSERT OR UPDATE ON "public"."order_lines"
  FOR EACH ROW
  WHEN (NEW."quantity" IS DISTINCT FROM CAST((NEW."quantity_triphase") AS bigint))
  EXECUTE FUNCTION "public"."sync_order_lines_quantity_phase_2"();
