import { readFingerprint } from '../../src/schema/fingerprint.ts';
import type { TestDatabase } from './database.ts';

export { differencesOf } from '../../src/schema/fingerprint.ts';

/** Everything that is known of a test database's schema, a line for each object, sorted; without the texts of views on request. */
export function fingerprint(database: Pick<TestDatabase, 'sql'>, { viewTexts = true } = {}): Promise<string[]> {
  const query = async (text: string, values?: unknown[]) => ({ rows: await database.sql(text, values) });
  const options = { schemas: new Set(['phase']), relations: new Set<string>(), owner: null, viewTexts, isExact: true };
  return readFingerprint({ query } as never, options);
}
