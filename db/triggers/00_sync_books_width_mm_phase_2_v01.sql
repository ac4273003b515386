-- books_width_mm_height_mm_to_size, phase 2.
-- Inserts, and updates that write one of the columns; all others run at full speed.
CREATE OR REPLACE TRIGGER "00_sync_books_width_mm_phase_2"
  BEFORE INSERT OR UPDATE OF "width_mm", "height_mm", "size" ON "public"."books"
  FOR EACH ROW
  EXECUTE FUNCTION "public"."sync_books_width_mm_phase_2"();
