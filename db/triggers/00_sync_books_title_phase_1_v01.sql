-- books_title_to_main_title_subtitle, phase 1.
-- Inserts, and updates that write one of the columns; all others run at full speed.
CREATE OR REPLACE TRIGGER "00_sync_books_title_phase_1"
  BEFORE INSERT OR UPDATE OF "title", "main_title", "subtitle" ON "public"."books"
  FOR EACH ROW
  EXECUTE FUNCTION "public"."sync_books_title_phase_1"();
