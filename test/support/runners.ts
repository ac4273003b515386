/** How a runner is used in a project that tests by it. */
export interface TestRunner {
  readonly title: string;
  /** What npm installs for it. */
  readonly packages: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Arguments of node. */
  readonly run: readonly string[];
}

/** The schema that suites run on. */
export const SCHEMA = { 'schema.sql': `CREATE TABLE users (id int PRIMARY KEY, name text);\n` };

const suite = (runner: string): string => `describeWithMigrations('users', ({ knex }) => {
  test('have names', async () => {
    await knex('users').insert({ id: 1, name: 'Ada' });
    const { name } = await knex('users').first();
    if (name !== 'Ada') throw new Error(name);
    console.log('it ran: ' + name);
  });
}, { release: '9.0.0', dump: 'schema.sql'${runner} });
`;

/** Projects whose package.json names no type, so that \`.js\` is CommonJS. */
export const NODE_TEST: TestRunner = {
  title: 'node:test',
  packages: [],
  files: {
    'suites/node.test.cjs': `const { describe, before, after, test } = require('node:test');
const { describeWithMigrations } = require('triphase/testing');
${suite(', runner: { describe, before, after }')}`,
  },
  run: ['--test', '--test-reporter=tap', 'suites/node.test.cjs'],
};

export const JEST: TestRunner = {
  title: 'Jest as it is, in CommonJS',
  packages: ['jest@30'],
  files: {
    'suites/jest.test.js': `const { describeWithMigrations } = require('triphase/testing');\n${suite('')}`,
    'jest.config.json': '{ "testEnvironment": "node", "testMatch": ["**/suites/jest.test.js"] }',
  },
  run: ['node_modules/jest/bin/jest.js', '--config', 'jest.config.json'],
};

/** Runners that are tried where npm's registry is at hand. */
export const RUNNERS: readonly TestRunner[] = [
  NODE_TEST,
  JEST,
  {
    title: 'ts-jest',
    packages: ['jest@30', 'ts-jest@29', 'typescript@5', '@types/jest@30'],
    files: {
      'suites/ts.test.ts': `import { describeWithMigrations } from 'triphase/testing';\n${suite('')}`,
      'ts-jest.config.json':
        '{ "testEnvironment": "node", "preset": "ts-jest", "testMatch": ["**/suites/ts.test.ts"] }',
      'tsconfig.json': '{ "compilerOptions": { "esModuleInterop": true, "strict": true, "module": "commonjs" } }',
    },
    run: ['node_modules/jest/bin/jest.js', '--config', 'ts-jest.config.json'],
  },
  {
    title: 'Vitest',
    packages: ['vitest@3'],
    files: {
      'suites/vi.test.mts': `import { afterAll, beforeAll, describe, test } from 'vitest';
import { describeWithMigrations } from 'triphase/testing';
${suite(', runner: { describe, beforeAll, afterAll }')}`,
    },
    run: ['node_modules/vitest/vitest.mjs', 'run', 'suites/vi.test.mts'],
  },
  {
    title: 'Mocha',
    packages: ['mocha@11'],
    files: {
      'suites/mocha.cjs': `const { describeWithMigrations } = require('triphase/testing');
${suite('').replace("test('have", "it('have")}`,
    },
    run: ['node_modules/mocha/bin/mocha.js', 'suites/mocha.cjs'],
  },
];
