-- customers_visits_to_cards_visits, phase 1.
-- Rows that come to another row of the other table, and may take its value. It sorts after the application's own triggers.
CREATE OR REPLACE TRIGGER "zz_sync_customers_visits_taken_phase_1"
  BEFORE INSERT OR UPDATE OF "id" ON "public"."customers"
  FOR EACH ROW
  EXECUTE FUNCTION "public"."sync_customers_visits_phase_1"();
