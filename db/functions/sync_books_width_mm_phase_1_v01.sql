-- books_width_mm_height_mm_to_size, phase 1: keeps width_mm and height_mm in step with size, whichever of them a release writes.
-- What is old has authority: where both were changed, it wins.
CREATE OR REPLACE FUNCTION "public"."sync_books_width_mm_phase_1"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $triphase$
DECLARE
  old_changed boolean;
  new_changed boolean;
  is_written boolean := true;
  is_filled boolean := true;
  comes_back boolean := false;
  in_step boolean := false;
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- A side that holds its defaults was not given.
    old_changed := (NEW."width_mm" IS DISTINCT FROM NULL OR NEW."height_mm" IS DISTINCT FROM NULL);
    new_changed := NEW."size" IS DISTINCT FROM NULL;
  ELSE
    -- Compared with the row before, so that a release which writes every column is understood.
    old_changed := (NEW."width_mm" IS DISTINCT FROM OLD."width_mm" OR NEW."height_mm" IS DISTINCT FROM OLD."height_mm");
    new_changed := NEW."size" IS DISTINCT FROM OLD."size";
    IF TG_NARGS = 1 AND (old_changed OR new_changed) THEN
      -- The statement writes one of the columns: the other trigger sees to it.
      RETURN NEW;
    END IF;
    IF new_changed AND NOT old_changed AND OLD."size" IS NOT DISTINCT FROM NULL AND (OLD."width_mm" IS DISTINCT FROM NULL OR OLD."height_mm" IS DISTINCT FROM NULL) THEN
      -- A row that was not filled yet gets first what the statement does not give.
      is_filled := false;
      IF NOT is_filled THEN
        IF NOT (NEW."size" IS DISTINCT FROM OLD."size") THEN
          NEW."size" := (NEW."width_mm" || 'x' || NEW."height_mm");
        END IF;
      END IF;
    END IF;
  END IF;
  IF NOT old_changed AND NOT new_changed THEN
    -- Nothing to do, but for a row that was not filled yet and is only moved.
    in_step := NOT (NEW."size" IS NOT DISTINCT FROM NULL AND (NEW."width_mm" IS DISTINCT FROM NULL OR NEW."height_mm" IS DISTINCT FROM NULL));
    old_changed := NOT in_step;
    is_written := false;
  ELSIF new_changed THEN
    -- Either map is enough, since they may lose something: what fits stays as it was written.
    BEGIN
      comes_back := NOT (NEW."size" IS NOT DISTINCT FROM NULL) AND (NEW."width_mm" IS NOT DISTINCT FROM CAST((split_part(NEW."size", 'x', 1)::int) AS integer) AND NEW."height_mm" IS NOT DISTINCT FROM CAST((split_part(NEW."size", 'x', 2)::int) AS integer));
    EXCEPTION WHEN OTHERS THEN
      comes_back := false;
    END;
    BEGIN
      in_step := comes_back OR NOT (NEW."size" IS NOT DISTINCT FROM NULL) AND (NEW."size" IS NOT DISTINCT FROM CAST((NEW."width_mm" || 'x' || NEW."height_mm") AS text));
    EXCEPTION WHEN OTHERS THEN
      in_step := false;
    END;
  END IF;

  IF in_step THEN
    NULL;
  ELSIF new_changed AND NOT old_changed THEN
    BEGIN
      NEW."width_mm" := (split_part(NEW."size", 'x', 1)::int);
      NEW."height_mm" := (split_part(NEW."size", 'x', 2)::int);
    EXCEPTION WHEN OTHERS THEN
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = 'width_mm and height_mm cannot be made of size, as books_width_mm_height_mm_to_size does it: ' || SQLERRM;
    END;
  ELSE
    BEGIN
      NEW."size" := (NEW."width_mm" || 'x' || NEW."height_mm");
    EXCEPTION WHEN OTHERS THEN
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = 'size cannot be made of width_mm and height_mm, as books_width_mm_height_mm_to_size does it: ' || SQLERRM;
    END;
  END IF;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_books_width_mm_phase_1"() FROM PUBLIC;
