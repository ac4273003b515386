import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import { repository } from './support/bookshop.ts';

const src = join(repository, 'src');

/** What each folder may import besides itself; docs/architecture.md says why. */
const ARROWS: Record<string, readonly string[]> = {
  domain: [],
  planner: ['domain'],
  scaffold: ['domain', 'planner'],
  report: ['domain', 'scaffold'],
  checks: ['domain'],
  postgres: ['domain'],
  ledger: ['domain', 'postgres'],
  catalog: ['domain', 'postgres'],
  project: ['domain', 'postgres'],
  data: ['domain', 'postgres', 'ledger', 'project', 'catalog'],
  schema: ['domain', 'postgres', 'project', 'catalog'],
  gates: ['domain', 'postgres', 'ledger', 'project', 'catalog', 'data'],
  operations: ['domain', 'postgres', 'ledger', 'project', 'catalog', 'gates'],
  runner: ['domain', 'planner', 'scaffold', 'postgres', 'ledger', 'project', 'catalog', 'data', 'gates', 'operations'],
  replay: ['domain', 'planner', 'postgres', 'project', 'schema', 'runner'],
  tasks: ['domain', 'postgres', 'ledger', 'project', 'data', 'runner'],
  app: ['domain', 'postgres', 'project'],
  testing: ['domain', 'planner', 'postgres', 'project', 'replay'],
  wizard: ['domain', 'planner', 'scaffold', 'postgres', 'ledger', 'catalog', 'project'],
  cli: [
    'domain',
    'planner',
    'scaffold',
    'report',
    'checks',
    'postgres',
    'ledger',
    'catalog',
    'project',
    'data',
    'schema',
    'operations',
    'runner',
    'replay',
    'tasks',
    'wizard',
  ],
};

const files = walk(src);
const imports = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:^(?:import|export)\b[^;]*?from |\bimport\()'([^']+)'/gms)].map(
    (match) => ({
      file: relative(src, file),
      from: match[1] ?? '',
    }),
  ),
);

test('every folder imports only what its arrows allow', () => {
  const wrong = imports.filter(({ file, from }) => {
    if (!from.startsWith('.') || !file.includes('/')) return false;
    const [folder = ''] = file.split('/');
    const target = relative(src, join(src, dirname(file), from)).split('/')[0] ?? '';
    return target !== folder && !(ARROWS[folder] ?? []).includes(target);
  });
  // The one circle: what migrations import as `triphase` is the copy that runs them.
  expect(wrong).toEqual([{ file: 'project/modules.ts', from: '../index.ts' }]);
});

test('every folder has its arrows', () => {
  const folders = readdirSync(src).filter((name) => statSync(join(src, name)).isDirectory());
  expect(folders.sort()).toEqual(Object.keys(ARROWS).sort());
});

test('only the prompts import inquirer, and only the command line writes to the terminal', () => {
  expect(imports.filter(({ from }) => from.includes('inquirer')).map(({ file }) => file)).toEqual(['cli/prompts.ts']);
  const writers = files.filter((file) => /process\.(stdout|stderr|exit)|console\./.test(readFileSync(file, 'utf8')));
  expect(writers.map((file) => relative(src, file))).toEqual(['cli/main.ts']);
});

test('planning and the domain do nothing but compute', () => {
  const effects = imports.filter(
    ({ file, from }) => /^(domain|planner)\//.test(file) && /^(node:(fs|net|child_process|timers)|pg|knex)/.test(from),
  );
  expect(effects).toEqual([]);
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

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}
