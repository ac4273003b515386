import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transformSync } from 'esbuild';
import { repository } from '../support/bookshop.ts';
import { R1, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

/** Blocks of TypeScript of the page, with the file that each says it is; examples are modules of their own. */
const blocks = [
  ...readFileSync(join(repository, 'docs/library.md'), 'utf8').matchAll(/```ts ?(.*)\n([\s\S]*?)```/g),
].map((match, index) => ({ path: match[1] || `example-${index}.mts`, code: match[2] ?? '' }));

const isExample = (path: string): boolean => path.startsWith('example');
const runnable = (path: string): string => path.replace('.mts', '.mjs');

let fixture: RenameFixture;
beforeAll(async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, 'a')`,
  });
  const { project } = fixture;
  mkdirSync(join(project.root, 'node_modules'));
  symlinkSync(repository, join(project.root, 'node_modules/triphase'));
  symlinkSync(join(repository, 'node_modules/@types'), join(project.root, 'node_modules/@types'));
  for (const { path, code } of blocks) {
    project.write(path, code);
    if (isExample(path)) project.write(runnable(path), transformSync(code, { loader: 'ts', format: 'esm' }).code);
  }
});
afterAll(() => fixture.remove());

test('the examples compile', () => {
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  const files = blocks.map(({ path }) => path);
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, ...files], {
    cwd: fixture.project.root,
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});

test('they run, in their order, and say what they would', () => {
  const printed = blocks
    .filter(({ path }) => isExample(path))
    .map(({ path }) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [runnable(path)], {
        cwd: fixture.project.root,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, DATABASE_URL: fixture.database.url, APP: fixture.project.root },
      });
      return { status, stdout, stderr };
    });
  expect(printed).toEqual(
    [
      '3 applied, 0 held, true\n',
      'PH1006, exit 2, applied before: nothing\n',
      expect.stringMatching(/^1 to run, refused: false\nstepStarted gateStarted gatePassed stepDone migrated\n$/),
    ].map((stdout) => ({ status: 0, stdout, stderr: '' })),
  );
  expect(fixture.project.read('told.txt').split('\n')).toEqual([
    `migrate to ${R1}: 3 applied, 0 held`,
    'migrate failed at the start: PH1006',
    'migrate to 1.2.0: 1 applied, 0 held',
    'finish to 1.2.0: 0 applied, 0 held',
    '',
  ]);
});
