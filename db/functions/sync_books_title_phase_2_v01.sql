-- books_title_to_main_title_subtitle, phase 2: keeps title in step with main_title and subtitle, whichever of them a release writes.
-- What is new has authority: where both were changed, it wins. Writes to what is old alone are counted as stragglers.
CREATE OR REPLACE FUNCTION "public"."sync_books_title_phase_2"() RETURNS trigger
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
    old_changed := NEW."title" IS DISTINCT FROM NULL;
    new_changed := (NEW."main_title" IS DISTINCT FROM NULL OR NEW."subtitle" IS DISTINCT FROM NULL);
  ELSE
    -- Compared with the row before, so that a release which writes every column is understood.
    old_changed := NEW."title" IS DISTINCT FROM OLD."title";
    new_changed := (NEW."main_title" IS DISTINCT FROM OLD."main_title" OR NEW."subtitle" IS DISTINCT FROM OLD."subtitle");
    IF TG_NARGS = 1 AND (old_changed OR new_changed) THEN
      -- The statement writes one of the columns: the other trigger sees to it.
      RETURN NEW;
    END IF;
    IF new_changed AND NOT old_changed AND OLD."main_title" IS NOT DISTINCT FROM NULL AND OLD."subtitle" IS NOT DISTINCT FROM NULL AND OLD."title" IS DISTINCT FROM NULL THEN
      -- A row that was not filled yet gets first what the statement does not give.
      is_filled := coalesce(OLD."title" IS NOT DISTINCT FROM CAST((OLD."main_title" || coalesce(': ' || OLD."subtitle", '')) AS text), false);
      IF NOT is_filled THEN
        IF NOT (NEW."main_title" IS DISTINCT FROM OLD."main_title") THEN
          NEW."main_title" := (split_part(NEW."title", ': ', 1));
        END IF;
        IF NOT (NEW."subtitle" IS DISTINCT FROM OLD."subtitle") THEN
          NEW."subtitle" := (nullif(substr(NEW."title", length(split_part(NEW."title", ': ', 1)) + 3), ''));
        END IF;
      END IF;
    END IF;
    IF old_changed AND NOT new_changed AND OLD."title" IS NOT DISTINCT FROM NULL AND (OLD."main_title" IS DISTINCT FROM NULL OR OLD."subtitle" IS DISTINCT FROM NULL) THEN
      -- The same for old columns that were added again.
      IF NOT (NEW."title" IS DISTINCT FROM OLD."title") THEN
        NEW."title" := (NEW."main_title" || coalesce(': ' || NEW."subtitle", ''));
      END IF;
    END IF;
  END IF;
  IF NOT old_changed AND NOT new_changed THEN
    -- Nothing to do, but for a row that was not filled yet and is only moved.
    BEGIN
      in_step := NOT (NEW."main_title" IS NOT DISTINCT FROM NULL AND NEW."subtitle" IS NOT DISTINCT FROM NULL AND NEW."title" IS DISTINCT FROM NULL) OR (NEW."title" IS NOT DISTINCT FROM CAST((NEW."main_title" || coalesce(': ' || NEW."subtitle", '')) AS text));
    EXCEPTION WHEN OTHERS THEN
      in_step := false;
    END;
    old_changed := NOT in_step;
    is_written := false;
  ELSIF old_changed OR NOT is_filled THEN
    -- Either map is enough, since they may lose something: what fits stays as it was written.
    BEGIN
      comes_back := NOT (NEW."main_title" IS NOT DISTINCT FROM NULL AND NEW."subtitle" IS NOT DISTINCT FROM NULL) AND (NEW."title" IS NOT DISTINCT FROM CAST((NEW."main_title" || coalesce(': ' || NEW."subtitle", '')) AS text));
    EXCEPTION WHEN OTHERS THEN
      comes_back := false;
    END;
    BEGIN
      in_step := comes_back OR NOT (NEW."main_title" IS NOT DISTINCT FROM NULL AND NEW."subtitle" IS NOT DISTINCT FROM NULL) AND (NEW."main_title" IS NOT DISTINCT FROM CAST((split_part(NEW."title", ': ', 1)) AS text) AND NEW."subtitle" IS NOT DISTINCT FROM CAST((nullif(substr(NEW."title", length(split_part(NEW."title", ': ', 1)) + 3), '')) AS text));
    EXCEPTION WHEN OTHERS THEN
      in_step := false;
    END;
  END IF;

  IF in_step THEN
    NULL;
  ELSIF old_changed AND NOT new_changed THEN
    BEGIN
      NEW."main_title" := (split_part(NEW."title", ': ', 1));
      NEW."subtitle" := (nullif(substr(NEW."title", length(split_part(NEW."title", ': ', 1)) + 3), ''));
    EXCEPTION WHEN OTHERS THEN
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = 'main_title and subtitle cannot be made of title, as books_title_to_main_title_subtitle does it: ' || SQLERRM;
    END;
  ELSE
    BEGIN
      NEW."title" := (NEW."main_title" || coalesce(': ' || NEW."subtitle", ''));
    EXCEPTION WHEN OTHERS THEN
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = 'title cannot be made of main_title and subtitle, as books_title_to_main_title_subtitle does it: ' || SQLERRM;
    END;
  END IF;
  IF is_written AND old_changed AND NOT new_changed AND NOT comes_back THEN
    PERFORM "phase"."stragglers_books_title_to_main_title_subtitle"();
  END IF;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_books_title_phase_2"() FROM PUBLIC;
