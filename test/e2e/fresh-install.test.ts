import { expect, test } from '@jest/globals';
import { phase } from '../demo/phase.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';

test('a fresh install takes all releases at once: nobody is alive to be broken', async () => {
  const database = await createDatabase();
  const run = <T>(...args: string[]) =>
    phase<T>(
      { args, root: repository, env: { DATABASE_URL: database.url, BOOKSHOP_CUSTOMERS: '50', NODE_OPTIONS: '' } },
      () => undefined,
    );
  try {
    const { applied, held } = await run<{ applied: string[]; held: string[] }>('migrate');
    expect({ applied: applied.length, held }).toEqual({ applied: 29, held: [] });
    expect(await database.sql('SELECT count(email_address)::int AS filled FROM customers')).toEqual([{ filled: 50 }]);
    await run('status', '--exit-code');
    await run('wait', '--timeout', '0');
  } finally {
    await database.drop();
  }
});
