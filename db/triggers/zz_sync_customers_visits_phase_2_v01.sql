-- customers_visits_to_cards_visits, phase 2.
-- Writes of the column, and of what tells which rows belong together, once they are done; all others run at full speed.
CREATE OR REPLACE TRIGGER "zz_sync_customers_visits_phase_2"
  AFTER INSERT OR UPDATE OF "visits", "id" ON "public"."customers"
  FOR EACH ROW
  EXECUTE FUNCTION "public"."sync_customers_visits_phase_2"();
