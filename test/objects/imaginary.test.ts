import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findTable } from '../../src/catalog/find-table.ts';
import type { ObjectFacts } from '../../src/domain/facts.ts';
import { quoteLiteral, quoteQualified } from '../../src/domain/identifier.ts';
import { ensureComplete } from '../../src/gates/complete.ts';
import { execute } from '../../src/objects/code.ts';
import { namedBy } from '../../src/objects/hanging.ts';
import type { AnyKind, TwinnedKind } from '../../src/objects/kind.ts';
import { readHangingObjects } from '../../src/objects/read-hanging.ts';
import { KINDS } from '../../src/objects/registry.ts';
import { Renaming } from '../../src/objects/renaming.ts';
import { readTableFacts } from '../../src/objects/table-facts.ts';
import { carriedOf } from '../../src/planner/rename/names.ts';
import { stepCode } from '../../src/planner/rename/steps.ts';
import { all, type Queryable } from '../../src/postgres/queryable.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { renameFacts } from '../support/rename-facts.ts';

/** Notes that an application keeps of its columns, as no PostgreSQL has them: everything that is known of the kind stands here. */
const note: TwinnedKind<'note', ObjectFacts & { readonly definition: string }> = {
  name: 'note',
  carried: 'twin',
  noun: 'note',
  heading: 'notes',
  place: 'table',
  family: 'note',
  goes: 'with the column',
  renewed: 'at gates',
  read: async ({ db, names, table }) => ({
    objects: (await notesOn(db, names.from)).map(({ name }) => ({ name, on: table, definition: names.to })),
    refused: [],
  }),
  hanging: async ({ db, column }) => (await notesOn(db, column)).map(namedBy(note)),
  placeOf: ({ on }) => (on === null ? '' : quoteQualified(on)),
  steps: {
    constrain: {
      up: (renaming, object) => [execute(insert(renaming.twinOf(note, object), object.definition))],
      down: (renaming, object) => [execute(remove(renaming.twinOf(note, object)))],
    },
    contract: { restore: (renaming, object) => [execute(insert(object.name, renaming.rename.from))] },
  },
  missing: async ({ db }, { twin }) => ((await isThere(db, twin)) ? [] : [`note ${twin}`]),
  isThere: (db, _on, name) => isThere(db, name),
  restoring: async (_db, _on, { name, twin }) => [`UPDATE notes SET name = '${name}' WHERE name = '${twin}'`],
  settingAside: async (_db, _on, { name, twin }) => [`UPDATE notes SET name = '${twin}' WHERE name = '${name}'`],
  dropping: async (_db, _on, twin) => [remove(twin)],
  isSame: () => true,
};

const insert = (name: string, column: string): string =>
  `INSERT INTO public.notes VALUES (${quoteLiteral(name)}, ${quoteLiteral(column)})`;
const remove = (name: string): string => `DELETE FROM public.notes WHERE name = ${quoteLiteral(name)}`;
const notesOn = (db: Queryable, column: string): Promise<{ name: string; on: string }[]> =>
  all(db, `SELECT name, '"public"."users"' AS on FROM public.notes WHERE noted = $1 ORDER BY 1`, [column]);
const isThere = async (db: Queryable, name: string): Promise<boolean> =>
  (await all(db, 'SELECT FROM public.notes WHERE name = $1', [name])).length > 0;

const kinds: readonly AnyKind[] = [...KINDS, note];
const RENAME = { name: 'mails', table: 'users', from: 'mail', to: 'email' };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, mail text UNIQUE, email text); CREATE TABLE notes (name text, noted text);
    INSERT INTO notes VALUES ('private', 'mail'), ('other', 'id')`);
});
afterAll(() => database.drop());

const facts = async () =>
  readTableFacts(database.client, await findTable(database.client, 'users'), { from: 'mail', to: 'email' }, { kinds });

test('a kind that is added to the registry is read, listed, built, undone and given back', async () => {
  const found = await facts();
  const carried = carriedOf(found, 'mails', kinds);
  expect(carried).toContainEqual({ kind: 'note', name: 'private', twin: 'private_triphase' });
  const rename = renameFacts(RENAME, { carried });
  const steps = stepCode([new Renaming(found, rename)], { versions: [], quietTriggers: false, kinds });
  expect(steps.constrain.up).toContainEqual(execute(`INSERT INTO public.notes VALUES ('private_triphase', 'email')`));
  expect(steps.constrain.down).toContainEqual(execute(`DELETE FROM public.notes WHERE name = 'private_triphase'`));
  expect(steps.contract.down).toContainEqual(execute(`INSERT INTO public.notes VALUES ('private', 'mail')`));
});

test('the gate asks it for what is missing, and for what hangs on the column', async () => {
  const { oid } = await findTable(database.client, 'users');
  const twin = { kind: 'note', name: 'private', twin: 'private_triphase' };
  const rename = renameFacts(RENAME, {
    carried: [twin],
    sync: { ...renameFacts(RENAME).sync, functions: [], triggers: [] },
  });
  const gate = () => ensureComplete(database.client, rename, { table: oid, place: 0 }, () => note);
  await expect(gate()).rejects.toMatchObject({ code: 'PH2007', details: { missing: ['note private_triphase'] } });
  await database.sql(insert('private_triphase', 'email'));
  await gate();
  const hanging = await readHangingObjects(database.client, { table: oid, column: 'mail', ours: [] }, kinds);
  expect(hanging.map(({ description }) => description)).toEqual(['constraint "users_mail_key"', 'note "private"']);
});
