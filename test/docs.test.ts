import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { catalogue } from '../src/domain/errors/catalogue.ts';
import { repository } from './support/bookshop.ts';
import { stalePages } from './support/generate-docs.ts';

test('the generated pages are up to date (npm run docs writes them)', () => {
  expect(stalePages()).toEqual([]);
});

test('the group of a code says its exit', () => {
  const exits: Record<string, number> = { PH1: 2, PH2: 4, PH3: 5, PH4: 6, PH5: 1 };
  for (const [code, { exit, title }] of Object.entries(catalogue)) {
    expect({ code, exit, titled: title.length > 10 }).toEqual({ code, exit: exits[code.slice(0, 3)], titled: true });
  }
});

test('every link to a file in the documents leads somewhere', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(repository, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map((match) => join(dirname(page), match[1] ?? ''))
      .filter((target) => !existsSync(join(repository, target)))
      .map((target) => `${page} -> ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every record of a decision is listed', () => {
  const folder = join(repository, 'docs/adr');
  const listed = readFileSync(join(folder, 'README.md'), 'utf8');
  const unlisted = readdirSync(folder).filter((name) => name !== 'README.md' && !listed.includes(`(${name})`));
  expect(unlisted).toEqual([]);
});
