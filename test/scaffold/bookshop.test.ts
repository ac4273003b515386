import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { plainDatabase, withConnection } from '../../src/postgres/connection.ts';
import { looking } from '../../src/postgres/looking.ts';
import { readHistory } from '../../src/project/history.ts';
import { writeDraft } from '../../src/wizard/rename-column.ts';
import { BOOKSHOP_RELEASES, bookshopChanges, bookshopRename, repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

/** Files by hand; all others are scaffolded. */
const BY_HAND = /2026(?:0901|1123)\d+_|touch|releases\/1\.[04]\.0\.yml|structure\.sql/;

test('the changes in the repository, one of each kind, are what the tool scaffolds, to the byte', async () => {
  const database = await createDatabase();
  const project = new TestProject(database.url);
  process.env.BOOKSHOP_CUSTOMERS = '10';
  try {
    cpSync(join(repository, 'db'), join(project.root, 'db'), { recursive: true });
    for (const file of Object.keys(project.files()).filter((path) => !BY_HAND.test(path)))
      rmSync(join(project.root, file));
    const scaffold = ({ at, draft }: typeof bookshopRename): Promise<void> =>
      withConnection({ ...plainDatabase(database.url), applicationName: 'test' }, async (db) => {
        const history = await readHistory(project.root);
        await writeDraft(history, await looking(db, () => draft(db, history, at)));
      });
    const cut = async (release: string): Promise<void> => {
      await project.json('hash');
      await project.json('release', 'cut', release);
    };
    await project.json('migrate', '--release', '1.0.0');
    // As it was when there was nothing else.
    const [first, second, third, fourth, ...rest] = BOOKSHOP_RELEASES.slice(1);
    const later = Object.fromEntries(Object.entries(project.files()).filter(([path]) => /20261123|1\.4\.0/.test(path)));
    for (const path of Object.keys(later)) project.delete(path);
    await scaffold(bookshopRename);
    for (const release of [first, second, third]) await cut(release ?? '');
    for (const [path, text] of Object.entries(later)) project.write(path, text);
    await project.json('migrate', '--release', fourth ?? '', '--maintenance', '--straggler-window', '0');
    for (const change of bookshopChanges) await scaffold(change);
    for (const release of rest) await cut(release);
    expect(filesOf(project.root, 'db')).toEqual(filesOf(repository, 'db'));
  } finally {
    project.remove();
    await database.drop();
  }
  // Every migration of the shop is replayed for what it touches.
}, 180_000);

function filesOf(root: string, folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('audits'))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name).slice(root.length + 1);
        return [path, readFileSync(join(root, path), 'utf8')];
      }),
  );
}
