CREATE OR REPLACE TRIGGER customers_touch
  BEFORE UPDATE OF name, country ON customers
  FOR EACH ROW
  EXECUTE FUNCTION touch_updated_at();
