import { all, type Queryable } from '../../postgres/queryable.ts';

/** How PostgreSQL prints values in audits: the same on every server, and exact when they are read back. */
const FORMAT: Readonly<Record<string, string>> = {
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
};

/** Runs something with values printed as audits have them, and puts the settings of the transaction back. */
export async function inAuditFormat<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  const names = Object.keys(FORMAT);
  const before = await all<{ name: string; value: string }>(
    db,
    'SELECT name, pg_catalog.current_setting(name) AS value FROM pg_catalog.unnest($1::text[]) AS name',
    [names],
  );
  await set(db, Object.entries(FORMAT));
  const result = await body();
  await set(
    db,
    before.map(({ name, value }) => [name, value]),
  );
  return result;
}

async function set(db: Queryable, settings: readonly (readonly [string, string])[]): Promise<void> {
  await db.query(
    'SELECT pg_catalog.set_config(name, value, true) FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS s(name, value)',
    [settings.map(([name]) => name), settings.map(([, value]) => value)],
  );
}
