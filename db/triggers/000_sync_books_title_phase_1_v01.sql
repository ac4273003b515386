-- books_title_to_main_title_subtitle, phase 1.
-- Updates that write none of the columns: a row that such a one moves must be filled, too.
CREATE OR REPLACE TRIGGER "000_sync_books_title_phase_1"
  BEFORE UPDATE ON "public"."books"
  FOR EACH ROW
  WHEN (NEW."main_title" IS NOT DISTINCT FROM NULL AND NEW."subtitle" IS NOT DISTINCT FROM NULL AND NEW."title" IS DISTINCT FROM NULL)
  EXECUTE FUNCTION "public"."sync_books_title_phase_1"('moved');
