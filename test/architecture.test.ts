import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import { KINDS } from '../src/objects/registry.ts';
import { repository } from './support/bookshop.ts';
import { files, imports, targetOf } from './support/structure.ts';

const src = join(repository, 'src');

/** What each folder may import besides itself; docs/architecture.md says why. */
const ARROWS: Record<string, readonly string[]> = {
  domain: [],
  planner: ['domain', 'objects'],
  scaffold: ['domain', 'objects', 'planner'],
  report: ['domain', 'scaffold', 'schema'],
  checks: ['domain'],
  postgres: ['domain'],
  ledger: ['domain', 'postgres'],
  catalog: ['domain', 'postgres'],
  objects: ['domain', 'postgres', 'catalog'],
  project: ['domain', 'postgres', 'objects'],
  data: ['domain', 'postgres', 'ledger', 'project', 'catalog'],
  schema: ['domain', 'postgres'],
  gates: ['domain', 'postgres', 'ledger', 'project', 'catalog', 'objects', 'data'],
  operations: ['domain', 'postgres', 'ledger', 'project', 'catalog', 'objects', 'gates'],
  runner: [
    'domain',
    'planner',
    'scaffold',
    'postgres',
    'ledger',
    'project',
    'catalog',
    'objects',
    'data',
    'gates',
    'operations',
  ],
  replay: ['domain', 'planner', 'postgres', 'ledger', 'project', 'schema', 'runner'],
  tasks: ['domain', 'postgres', 'ledger', 'project', 'data', 'runner'],
  app: ['domain', 'postgres', 'project'],
  usages: ['domain', 'postgres', 'project'],
  sources: ['domain', 'planner', 'postgres', 'ledger', 'project', 'schema', 'runner', 'replay'],
  testing: ['domain', 'planner', 'postgres', 'project', 'replay', 'schema'],
  wizard: [
    'domain',
    'planner',
    'scaffold',
    'postgres',
    'ledger',
    'catalog',
    'objects',
    'data',
    'project',
    'schema',
    'gates',
    'usages',
  ],
  api: ['domain', 'postgres', 'ledger', 'project', 'runner', 'sources'],
  cli: [
    'api',
    'domain',
    'planner',
    'scaffold',
    'report',
    'checks',
    'postgres',
    'ledger',
    'catalog',
    'objects',
    'project',
    'data',
    'schema',
    'operations',
    'runner',
    'replay',
    'sources',
    'tasks',
    'usages',
    'wizard',
  ],
};

test('every folder imports only what its arrows allow', () => {
  const wrong = imports.filter((one) => {
    const [folder = '', ...rest] = one.file.split('/');
    const target = targetOf(one);
    if (target === null || rest.length === 0) return false;
    // What migrations import as `triphase` is the copy that runs them: whoever begins hands the loader on.
    if (target === 'load.ts') return !['api', 'app', 'cli', 'testing'].includes(folder);
    return target !== folder && !(ARROWS[folder] ?? []).includes(target);
  });
  expect(wrong).toEqual([
    // What is generated is typed by what it calls, which works on kinds of objects itself; nothing is loaded for it.
    { file: 'objects/code.ts', from: '../data/backfill/run.ts', types: true },
    { file: 'objects/code.ts', from: '../operations/public.ts', types: true },
  ]);
});

test('the page says of every folder what it may import', () => {
  const page = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| .* \| (.*) \|$/gm)].map(([, folder = '', text = '']) => ({
    folder,
    text,
  }));
  expect(rows.map(({ folder }) => folder).sort()).toEqual(Object.keys(ARROWS).sort());
  for (const { folder, text } of rows.filter((row) => !/^(nothing|everything|those|the same)/.test(row.text))) {
    expect({ folder, imports: text.split(', ').sort() }).toEqual({
      folder,
      imports: [...(ARROWS[folder] ?? [])].sort(),
    });
  }
});

test('every folder has its arrows', () => {
  const folders = readdirSync(src).filter((name) => statSync(join(src, name)).isDirectory());
  expect(folders.sort()).toEqual(Object.keys(ARROWS).sort());
});

test('only the prompts import inquirer, and only the command line writes to the terminal', () => {
  expect(imports.filter(({ from }) => from.includes('inquirer')).map(({ file }) => file)).toEqual(['cli/prompts.ts']);
  const writers = files.filter((file) => /process\.(stdout|stderr|exit)|console\./.test(readFileSync(file, 'utf8')));
  expect(writers.map((file) => relative(src, file)).sort()).toEqual(['cli/main.ts']);
});

test('planning and the domain do nothing but compute', () => {
  const effects = imports.filter(
    ({ file, from }) => /^(domain|planner)\//.test(file) && /^(node:(fs|net|child_process|timers)|pg|knex)/.test(from),
  );
  expect(effects).toEqual([]);
});

test('a kind of object is known by its name to its own file alone', () => {
  // Those that are no other word of the code, and no attribute of a column.
  const names = KINDS.map(({ name }) => name).filter(
    (name) =>
      !['default', 'not null', 'statistics', 'trigger', 'function', 'check', 'index', 'unique', 'view'].includes(name),
  );
  expect(names.length).toBeGreaterThan(10);
  const quoted = new RegExp(`'(${names.join('|')})'`);
  const knowing = files.filter((file) => quoted.test(readFileSync(file, 'utf8'))).map((file) => relative(src, file));
  // Whole schemas have kinds of their own.
  expect(knowing.filter((file) => !/^(objects|schema)\//.test(file))).toEqual([]);
});

test('only the ledger names its tables, but for the statement that a message shows', () => {
  const tables = readdirSync(join(src, 'ledger/formats')).flatMap((file) =>
    [...readFileSync(join(src, 'ledger/formats', file), 'utf8').matchAll(/CREATE TABLE \$\{ledger\}\.(\w+)/g)].map(
      (match) => match[1],
    ),
  );
  expect(tables.length).toBeGreaterThan(10);
  const inStatements = new RegExp(`(FROM|INTO|UPDATE|JOIN|TABLE) \\S+\\.(${tables.join('|')})\\b`);
  const naming = files
    .filter((file) => inStatements.test(readFileSync(file, 'utf8')))
    .map((file) => relative(src, file));
  expect(naming.filter((file) => !file.startsWith('ledger/'))).toEqual([
    'domain/errors/integrity.ts',
    'runner/pairs/place.ts',
  ]);
});

test('the command line is built without what its commands do', () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)(?! type)\b[^;]*?from '([^']+)'/gms,
    )) {
      if (from.startsWith('.')) follow(join(dirname(file), from));
      else if (!from.startsWith('node:')) packages.add(from);
    }
  };
  follow(join(src, 'cli/main.ts'));
  expect([...packages]).toEqual(['commander']);
  expect([...seen].filter((file) => /\/(runner|project\/config|wizard|replay)/.test(file))).toEqual([]);
});
