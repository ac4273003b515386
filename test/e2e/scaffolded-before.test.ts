import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
import { TestProject } from '../support/project.ts';

/** A project as 0.1.0 scaffolded it, two renames with everything that hangs on a column, its releases cut. */
const fixture = join(repository, 'test/fixtures/scaffolded-0.1');
const schema = readFileSync(join(fixture, 'schema.sql'), 'utf8');

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

test('what an earlier version scaffolded goes through its releases, and all the way back', async () => {
  const database = await createDatabase();
  const plain = await createDatabase();
  const project = new TestProject(database.url);
  try {
    for (const file of filesIn(fixture)) project.write(relative(fixture, file), readFileSync(file, 'utf8'));
    for (const one of [database, plain]) await one.sql(schema);
    const before = await fingerprint(database);
    await plain.sql('ALTER TABLE users RENAME code TO country; ALTER TABLE parts RENAME old TO new');
    for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
      await project.json('migrate', '--release', release, '--straggler-window', '0');
      await project.json('finish', '--straggler-window', '0');
    }
    expect(
      differencesOf(await fingerprint(database, { viewTexts: false }), await fingerprint(plain, { viewTexts: false })),
    ).toEqual([]);
    await project.json('rollback', '--steps', '10');
    expect(differencesOf(await fingerprint(database), before)).toEqual([]);
  } finally {
    project.remove();
    for (const one of [database, plain]) await one.drop();
  }
});
