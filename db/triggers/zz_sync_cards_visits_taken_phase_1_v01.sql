-- customers_visits_to_cards_visits, phase 1.
-- Rows that come to another row of the other table, and may take its value. It sorts after the application's own triggers.
CREATE OR REPLACE TRIGGER "zz_sync_cards_visits_taken_phase_1"
  BEFORE INSERT OR UPDATE OF "customer_id" ON "public"."cards"
  FOR EACH ROW
  EXECUTE FUNCTION "public"."sync_cards_visits_phase_1"();
