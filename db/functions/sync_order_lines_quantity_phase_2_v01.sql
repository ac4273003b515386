-- Change order_lines_quantity_to_bigint, phase 2: NEW."quantity_triphase" is what NEW."quantity" says, of another type. Nobody writes it but this.
CREATE OR REPLACE FUNCTION "public"."sync_order_lines_quantity_phase_2"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $triphase$
BEGIN
  IF TG_OP = 'INSERT' AND NEW."quantity_triphase" IS DISTINCT FROM NULL THEN
    -- Only a statement that names no columns gives it a value: this stands in the place that the column had.
    NEW."quantity" := NEW."quantity_triphase";
    RETURN NEW;
  END IF;
  IF NOT (TG_OP = 'INSERT' OR NEW."quantity" IS DISTINCT FROM OLD."quantity") THEN
    RETURN NEW;
  END IF;
  BEGIN
    NEW."quantity_triphase" := NEW."quantity";
  EXCEPTION WHEN OTHERS THEN
    -- The new type holds more than the old one: with such a row there is no way back.
    NEW."quantity_triphase" := NULL;
  END;
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_order_lines_quantity_phase_2"() FROM PUBLIC;
