import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(async () => {
  project = new TestProject();
  await addMigration(project, '1.0.0', 'create', 'CREATE TABLE a (x int, y int); CREATE TABLE b (x int)');
  await project.json('release', 'cut', '1.0.0');
});
afterEach(() => project.remove());

const prove = (...flags: string[]) =>
  project.phase('plan', '--from', '1.0.0', '--to', '1.1.0', '--prove', '--json', ...flags);

test('steps that touch different tables end in the same schema whatever their order', async () => {
  const held = await addMigration(project, '1.1.0', 'drop', 'ALTER TABLE a DROP COLUMN y', { breaks: '<1.1.0' });
  await addMigration(project, '1.1.0', 'more', 'ALTER TABLE b ADD COLUMN y int', { replay: true });
  const { code, json } = await prove();
  expect(json.proof).toMatchObject({ orders: 2, differences: [] });
  expect(json.held).toEqual([held]);
  expect(code).toBe(0);
});

test('orders that end otherwise are shown, repeated by their seed, and exit 7', async () => {
  await addMigration(project, '1.1.0', 'drop', 'ALTER TABLE a DROP COLUMN y', { breaks: '<1.1.0' });
  // What this one does to `a` no lock shows: it only reads the catalogue.
  await addMigration(
    project,
    '1.1.0',
    'sly',
    `DO $$ BEGIN IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'y') THEN CREATE TABLE c (x int); END IF; END $$`,
    { replay: true },
  );
  const { code, json } = await prove('--seed', '7');
  expect(code).toBe(7);
  expect(json.proof).toMatchObject({ orders: 2, seed: 7, differences: [{ order: 'held steps as late as allowed' }] });
  expect(json.proof.differences[0].what.join()).toContain('public.c');
});

test('a plan that is refused is proved in the orders that are allowed, and stays refused', async () => {
  await addMigration(project, '1.1.0', 'drop', 'ALTER TABLE a DROP COLUMN y', { breaks: '<1.1.0' });
  await addMigration(project, '1.1.0', 'again', 'ALTER TABLE a ADD COLUMN y text', { replay: true });
  const { code, json } = await prove();
  expect([code, json.error.code, json.proof.orders]).toEqual([4, 'PH2004', 1]);
});

test('a migration that fails in every order is an error of its own', async () => {
  await addMigration(project, '1.1.0', 'wrong', 'ALTER TABLE missing ADD COLUMN y text');
  const { code, json } = await prove();
  expect([code, json.error.code]).toEqual([1, 'PH5005']);
});
