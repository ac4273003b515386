import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { plainDatabase, withConnection } from '../../src/postgres/connection.ts';
import { readHistory } from '../../src/project/history.ts';
import { draftRename, writeDraft } from '../../src/wizard/rename-column.ts';
import { bookshopRename, bookshopRenamedAt, repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

test('the rename in the repository is what the tool scaffolds, to the byte', async () => {
  const database = await createDatabase();
  const project = new TestProject(database.url);
  try {
    // The bookshop as it was before the rename.
    cpSync(join(repository, 'db'), join(project.root, 'db'), { recursive: true });
    for (const file of Object.keys(project.files()).filter((path) =>
      /email_address|sync_customers|1\.[123]\.0/.test(path),
    ))
      rmSync(join(project.root, file));
    process.env.BOOKSHOP_CUSTOMERS = '10';
    await project.json('migrate', '--release', '1.0.0');
    await withConnection({ ...plainDatabase(database.url), applicationName: 'test' }, async (db) => {
      const history = await readHistory(project.root);
      await writeDraft(
        history,
        await draftRename(db, history, bookshopRename, { now: bookshopRenamedAt, rewriteLimit: 0 }),
      );
    });
    await project.json('hash');
    for (const release of bookshopRename.releases) await project.json('release', 'cut', release);
    expect(project.files()).toEqual(filesOf(repository, 'db'));
  } finally {
    project.remove();
    await database.drop();
  }
  // Every migration of the shop is replayed for what it touches.
}, 180_000);

function filesOf(root: string, folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes('/audits/'))
      .map((path) => [path.slice(root.length + 1), readFileSync(path, 'utf8')]),
  );
}
