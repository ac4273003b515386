-- books_width_mm_height_mm_to_size, phase 2.
-- Updates that write none of the columns: a row that such a one moves must be filled, too.
CREATE OR REPLACE TRIGGER "000_sync_books_width_mm_phase_2"
  BEFORE UPDATE ON "public"."books"
  FOR EACH ROW
  WHEN (NEW."size" IS NOT DISTINCT FROM NULL AND (NEW."width_mm" IS DISTINCT FROM NULL OR NEW."height_mm" IS DISTINCT FROM NULL))
  EXECUTE FUNCTION "public"."sync_books_width_mm_phase_2"('moved');
