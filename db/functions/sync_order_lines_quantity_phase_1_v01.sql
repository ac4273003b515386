-- Change order_lines_quantity_to_bigint, phase 1: NEW."quantity_triphase" is what NEW."quantity" says, of another type. Nobody writes it but this.
CREATE OR REPLACE FUNCTION "public"."sync_order_lines_quantity_phase_1"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $triphase$
BEGIN
  NEW."quantity_triphase" := NEW."quantity";
  RETURN NEW;
END
$triphase$;
-- To fire its triggers nobody needs a right to it; to make one, which only owners of the table's partitions have to, one does.
REVOKE ALL ON FUNCTION "public"."sync_order_lines_quantity_phase_1"() FROM PUBLIC;
